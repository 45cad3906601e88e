//! First figures of the desk alone, at the region's size. Not a test: it asserts nothing about time.
//!
//! `cargo test --release -p gateway --lib -- --ignored --nocapture desk_alone`

use std::time::{Duration, Instant};

use super::*;

const INSTRUMENTS: u32 = 5_534;
const CLIENTS: u32 = 32;
/// Bookings of the past and the next days; none later, where the clients book.
const BOOKED_HOURS: i64 = 20;
const MEASURED: Duration = Duration::from_secs(8);

fn region() -> Import {
    let mut import = world();
    import.instruments = (1..=INSTRUMENTS).map(|id| instrument(id, 1)).collect();
    let hours = (1..=BOOKED_HOURS).flat_map(|hour| (1..=INSTRUMENTS).map(move |id| (id, hour)));
    import.bookings = hours
        .map(|(id, hour)| NewBooking {
            instrument: InstrumentId::new(id),
            member: MemberId::new(1 + hour % 16),
            slot: slot(hour, hour + 1),
            purpose: "XRD".to_owned(),
            project: None,
            created_at: Micros::new(MIDNIGHT),
        })
        .collect();
    import
}

/// Books for a while; the wish of a client's n-th turn is `wanted`. Returns accepted, refused and
/// the times of all answers.
async fn clients(
    desk: &DeskHandle,
    wanted: impl Fn(u32, u32) -> Book + Copy + Send + 'static,
) -> (usize, usize, Vec<Duration>) {
    let lifecycle = Lifecycle::new();
    let (tell, mut told) = tokio::sync::mpsc::channel(32);
    let until = Instant::now() + MEASURED;
    for client in 0..CLIENTS {
        let (desk, tell) = (desk.clone(), tell.clone());
        lifecycle.spawn_short(async move {
            let (mut accepted, mut refused, mut times) = (0, 0, Vec::new());
            for turn in 0.. {
                let begin = Instant::now();
                if begin > until {
                    break;
                }
                let outcome = desk.book(wanted(client, turn)).await.unwrap();
                if matches!(outcome, BookOutcome::Booked(_)) {
                    accepted += 1;
                } else {
                    refused += 1;
                }
                times.push(begin.elapsed());
            }
            tell.send((accepted, refused, times)).await.unwrap();
        });
    }
    drop(tell);
    let mut sum = (0, 0, Vec::new());
    while let Some((accepted, refused, times)) = told.recv().await {
        sum.0 += accepted;
        sum.1 += refused;
        sum.2.extend(times);
    }
    sum.2.sort_unstable();
    sum
}

fn report(what: &str, (accepted, refused, times): &(usize, usize, Vec<Duration>)) {
    let seconds = MEASURED.as_secs_f64();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!(
        "{what}: {:.0} booked/s, {:.0} refused/s, p50 {:?}, p99 {:?}",
        f64::from(u32::try_from(*accepted).unwrap()) / seconds,
        f64::from(u32::try_from(*refused).unwrap()) / seconds,
        at(50),
        at(99),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn desk_alone() {
    let begin = Instant::now();
    let place = Place::of(region()).await;
    println!(
        "import of 5,534 instruments, 110,680 bookings: {:?}",
        begin.elapsed()
    );
    let begin = Instant::now();
    let place = place.restart().await;
    println!("start with them: {:?}", begin.elapsed());
    let spread = clients(&place.desk, |client, turn| {
        let instrument = 1 + (turn * CLIENTS + client) % INSTRUMENTS;
        let hour = 30 + i64::from((turn * CLIENTS + client) / INSTRUMENTS);
        wish(instrument, 1 + i64::from(client % 16), slot(hour, hour + 1))
    });
    report("each its own slot", &spread.await);
    let race = clients(&place.desk, |_, turn| {
        let hour = 400 + i64::from(turn / 50);
        wish(1 + turn % 50, 1, slot(hour, hour + 1))
    });
    report("all the same slots of 50 instruments", &race.await);
}
