//! Tests of learning: made-up instruments, noise without levels, and a measured run.

use super::*;

/// Samples of one second each: levels with some noise, in turn.
fn trace(stretches: &[(u32, f64)]) -> Vec<Sample> {
    let mut seed = 12_345_u32;
    let mut noise = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(seed >> 16) / 65_536.0 - 0.5
    };
    let stretch = |(lasted_s, value): &(u32, f64)| {
        let values: Vec<f64> = (0..*lasted_s)
            .map(|_| value * (1.0 + 0.1 * noise()))
            .collect();
        values
    };
    let values: Vec<f64> = stretches.iter().flat_map(stretch).collect();
    values
        .into_iter()
        .map(|value| Sample {
            value,
            lasted_s: 1.0,
        })
        .collect()
}

#[test]
fn off_standby_and_running_are_told_apart_with_thresholds_between_them() {
    let day: Vec<(u32, f64)> = (0..12)
        .flat_map(|_| [(3_600, 1.0), (1_200, 45.0), (2_400, 900.0)])
        .collect();
    let learned = learn(&trace(&day));
    let states: Vec<TakenFor> = learned.levels.iter().map(|level| level.state).collect();
    assert_eq!(
        states,
        [TakenFor::Off, TakenFor::Standby, TakenFor::Running]
    );
    let proposal = learned.proposal.unwrap();
    let (standby_above, standby_below) = proposal.standby.unwrap();
    for (low, threshold, high) in [
        (1.2, standby_below, standby_above),
        (standby_above, 30.0, 42.0),
        (50.0, proposal.running_below, proposal.running_above),
        (proposal.running_above, 800.0, 855.0),
    ] {
        assert!(
            low < threshold && threshold < high,
            "{low} {threshold} {high}"
        );
    }
    assert!(proposal.confidence > 0.7, "{proposal:?}");
    let seconds: f64 = learned.lasted_s.iter().sum();
    assert!((seconds - 86_400.0).abs() < 1.0 && (learned.covered_s - seconds).abs() < 1.0);
    assert_eq!(learned.bounds.len(), learned.lasted_s.len() + 1);
}

#[test]
fn blips_are_shorter_than_the_dwell_time_and_runs_are_longer() {
    let day: Vec<(u32, f64)> = (0..10)
        .flat_map(|_| [(2_000, 30.0), (4, 500.0), (1_500, 30.0), (2_400, 520.0)])
        .collect();
    let proposal = learn(&trace(&day)).proposal.unwrap();
    assert!(
        proposal.dwell_s > 8.0 && proposal.dwell_s < 1_500.0,
        "{proposal:?}"
    );
    assert_eq!(proposal.standby, None, "it is never off");
}

#[test]
fn a_heater_under_its_thermostat_is_one_activity() {
    let run = (0..120).flat_map(|_| [(25, 50.0), (20, 240.0)]);
    let day: Vec<(u32, f64)> = [(14_400, 3.0)]
        .into_iter()
        .chain(run)
        .chain([(14_400, 3.0)])
        .collect();
    let learned = learn(&trace(&day));
    let proposal = learned.proposal.unwrap();
    assert!(proposal.running_above < 47.0, "{proposal:?}");
    assert!(proposal.running_below > 3.2, "{proposal:?}");
    let running = learned
        .levels
        .iter()
        .filter(|level| level.state == TakenFor::Running);
    assert_eq!(running.count(), 2);
}

#[test]
fn where_there_are_no_levels_nothing_is_proposed() {
    let steady = trace(&[(50_000, 60.0)]);
    assert_eq!(learn(&steady).proposal, Err(NotLearned::OneLevel));
    let ramp: Vec<Sample> = (0..20_000)
        .map(|second| Sample {
            value: 50.0 + f64::from(second) / 100.0,
            lasted_s: 1.0,
        })
        .collect();
    assert_eq!(learn(&ramp).proposal, Err(NotLearned::OneLevel));
    assert_eq!(learn(&[]).proposal, Err(NotLearned::TooFew));
    let nothing = Sample {
        value: f64::NAN,
        lasted_s: 1.0,
    };
    assert_eq!(learn(&[nothing; 100]).proposal, Err(NotLearned::TooFew));
}

#[test]
fn a_measured_run_among_idle_hours_is_one_run() {
    // A trace of a real machine; where it is not at hand there is nothing to measure against.
    let folder = std::env::var_os("ORTOO_SHARED").map(std::path::PathBuf::from);
    let folder =
        folder.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").into());
    let text = std::fs::read_to_string(folder.join("data/pzem017-run.csv")).ok();
    let Some(text) = text else {
        return;
    };
    let idle = trace(&[(20_000, 4.0)]);
    let measured = text.lines().skip(1).filter_map(|line| {
        let value = line.split(',').nth(3)?.parse().ok()?;
        Some(Sample {
            value,
            lasted_s: 2.12,
        })
    });
    let samples: Vec<Sample> = idle
        .iter()
        .copied()
        .chain(measured)
        .chain(idle.clone())
        .collect();
    let learned = learn(&samples);
    let proposal = learned.proposal.unwrap();
    assert!(
        (4.2..30.0).contains(&proposal.running_below) && proposal.running_above < 35.0,
        "{proposal:?} {:?}",
        learned.levels
    );
}
