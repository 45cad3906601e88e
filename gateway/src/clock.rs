//! The clock: the only place that asks the machine for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use scheduler::time::Micros;

/// Tells the time. Cloned into everything that needs it, so that tests can move it by hand.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System { started: Instant },
    Manual(Arc<AtomicI64>),
}

/// Moves a manual clock.
#[derive(Debug, Clone)]
pub struct Hand(Arc<AtomicI64>);

impl Clock {
    /// Returns the machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System {
            started: Instant::now(),
        })
    }

    /// Returns a clock that stands at `start`, and the hand that moves it.
    #[must_use]
    pub fn manual(start: Micros) -> (Self, Hand) {
        let now = Arc::new(AtomicI64::new(start.get()));
        (Self(Source::Manual(Arc::clone(&now))), Hand(now))
    }

    /// Returns the wall-clock time, UTC.
    ///
    /// # Panics
    /// If the machine's clock is before 1970 or after the year 290,000.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> Micros {
        match &self.0 {
            Source::System { .. } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                let micros = since
                    .expect("the machine's clock is after 1970")
                    .as_micros();
                Micros::new(i64::try_from(micros).expect("microseconds fit until the year 290,000"))
            }
            Source::Manual(now) => Micros::new(now.load(Ordering::SeqCst)),
        }
    }

    /// Returns microseconds since an unknown moment; never goes back while the process lives.
    ///
    /// # Panics
    /// If the process has run for 290,000 years.
    #[must_use]
    pub fn mono_us(&self) -> i64 {
        match &self.0 {
            Source::System { started } => {
                i64::try_from(started.elapsed().as_micros()).expect("the process is young")
            }
            Source::Manual(now) => now.load(Ordering::SeqCst),
        }
    }
}

impl Hand {
    /// Moves the clock by `micros`, which may be negative.
    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}
