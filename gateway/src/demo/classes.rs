//! Classes of instruments: what stands in laboratories, how it draws power and how long it runs.
//!
//! The table is data (`data/classes.csv`), one class a line:
//! `zh, en, code, capabilities, fields, models, standby_w, running_w, ripple_pct, ripple_s, run_min,
//! run_max, nights, temperature`. `code` is the six-digit class of GB/T 32847-2016 where it is known
//! for certain, else empty. `fields` are the kinds of laboratory that own one; `models` is
//! `maker:model/maker:model`; power in W, run lengths in minutes; `ripple` is a heater that switches
//! with that period in seconds; `nights` is `on` for what is never switched off; `temperature` is
//! what it reaches in a run, in degC, if it measures one. Makers and models are real, levels are
//! plausible figures of our own, not measurements.

use std::sync::LazyLock;

const TABLE: &str = include_str!("data/classes.csv");

/// A class of instruments.
#[derive(Debug, PartialEq)]
pub(super) struct Class {
    /// Chinese name.
    pub(super) zh: &'static str,
    /// English name.
    pub(super) en: &'static str,
    /// National class code, six digits.
    pub(super) code: Option<&'static str>,
    /// What it can do.
    pub(super) capabilities: Vec<&'static str>,
    /// Kinds of laboratory that own one.
    pub(super) fields: Vec<&'static str>,
    /// Makers and their models.
    pub(super) models: Vec<(&'static str, &'static str)>,
    /// Power when on and idle, in W.
    pub(super) standby_w: i64,
    /// Mean power in a run, in W.
    pub(super) running_w: i64,
    /// How far the power swings about the mean in a run, in percent of it.
    pub(super) ripple_pct: i64,
    /// Period of the swing, in seconds.
    pub(super) ripple_s: i64,
    /// Shortest usual run, in minutes.
    pub(super) run_min: i64,
    /// Longest usual run, in minutes.
    pub(super) run_max: i64,
    /// Whether it stays on at night.
    pub(super) always_on: bool,
    /// What it reaches in a run, in degC, if it measures a temperature.
    pub(super) temperature: Option<i64>,
}

/// Power of something switched off (its meter and transformer), in W.
pub(super) const OFF_W: i64 = 1;

impl Class {
    /// Returns true if runs last longer than a working day allows, so that nights are booked too.
    pub(super) fn runs_overnight(&self) -> bool {
        self.run_max > 480
    }

    /// Returns the power above which it runs, in W: well below a run's lowest swing.
    pub(super) fn running_above_w(&self) -> i64 {
        self.standby_w + (self.running_w - self.standby_w) * 45 / 100
    }

    /// Returns the power below which it no longer runs, in W: well above standby.
    pub(super) fn running_below_w(&self) -> i64 {
        self.standby_w + (self.running_w - self.standby_w) * 30 / 100
    }

    /// Returns the power at which it is on, in W.
    pub(super) fn standby_above_w(&self) -> i64 {
        self.standby_w.midpoint(OFF_W)
    }
}

/// Returns every class, in the order of the table.
pub(super) fn all() -> &'static [Class] {
    static CLASSES: LazyLock<Vec<Class>> = LazyLock::new(|| {
        TABLE
            .lines()
            .skip(1)
            .map(|line| parse(line).expect("the built-in table is right"))
            .collect()
    });
    &CLASSES
}

fn parse(line: &'static str) -> Option<Class> {
    let mut cells = line.split(',');
    let mut next = || cells.next();
    let number = |text: &str| text.parse::<i64>().ok();
    let class = Class {
        zh: next()?,
        en: next()?,
        code: next().filter(|code| !code.is_empty()),
        capabilities: next()?.split(' ').collect(),
        fields: next()?.split(' ').collect(),
        models: next()?
            .split('/')
            .map(|model| model.split_once(':'))
            .collect::<Option<_>>()?,
        standby_w: number(next()?)?,
        running_w: number(next()?)?,
        ripple_pct: number(next()?)?,
        ripple_s: number(next()?)?,
        run_min: number(next()?)?,
        run_max: number(next()?)?,
        always_on: next()? == "on",
        temperature: number(next()?),
    };
    Some(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_plausible() {
        assert!(all().len() >= 60);
        for class in all() {
            let name = class.en;
            assert!(
                !class.models.is_empty() && !class.fields.is_empty(),
                "{name}"
            );
            assert!(
                class
                    .capabilities
                    .iter()
                    .all(|word| word.to_lowercase() == *word),
                "{name}"
            );
            assert!(
                class.standby_w > 5 && class.standby_w < class.running_w,
                "{name}"
            );
            assert!(
                class.run_min < class.run_max && class.run_max <= 1_440,
                "{name}"
            );
            let bytes = class
                .code
                .map(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
            assert!(
                bytes != Some(false) && class.code.is_none_or(|code| code.len() == 6),
                "{name}"
            );
        }
    }

    #[test]
    fn the_swing_of_a_run_never_crosses_the_thresholds() {
        for class in all() {
            let lowest = class.running_w * (100 - class.ripple_pct - 4) / 100;
            assert!(class.running_above_w() < lowest, "{}", class.en);
            assert!(
                class.running_below_w() <= class.running_above_w(),
                "{}",
                class.en
            );
            assert!(
                class.running_below_w() > class.standby_w * 104 / 100,
                "{}",
                class.en
            );
            assert!(class.standby_above_w() > OFF_W, "{}", class.en);
        }
    }

    #[test]
    fn names_differ() {
        let mut names: Vec<_> = all().iter().map(|class| class.zh).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }
}
