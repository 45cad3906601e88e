//! The two clocks of the agent, injected so that nothing else reads the time of day.
//!
//! The monotonic clock counts from the machine's boot and goes on while it sleeps; it belongs to
//! the kernel's boot id. So readings that were recorded before a restart of the process are still
//! on the same clock. Where the kernel gives no boot id, each process is a boot of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use wire::{BootId, Clocks};

/// Where the kernel tells its boot id. Source: random(4).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Both clocks and the boot they belong to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock {
    boot: BootId,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Boot,
    Process(Instant),
    Manual(Arc<[AtomicI64; 2]>),
}

impl Clock {
    /// Returns the machine's clocks.
    #[must_use]
    pub fn system() -> Self {
        let boot = std::fs::read_to_string(BOOT_ID).ok();
        match boot.and_then(|text| BootId::parse(text.trim()).ok()) {
            Some(boot) => Self {
                boot,
                source: Source::Boot,
            },
            None => Self {
                boot: random_boot(),
                source: Source::Process(Instant::now()),
            },
        }
    }

    /// Returns clocks that stand still until the hand moves them.
    #[must_use]
    pub fn manual(start: Clocks) -> (Self, Hand) {
        let cells = Arc::new([AtomicI64::new(start.wall_ms), AtomicI64::new(start.mono_ms)]);
        let clock = Self {
            boot: random_boot(),
            source: Source::Manual(Arc::clone(&cells)),
        };
        (clock, Hand(cells))
    }

    /// Reads both clocks.
    #[must_use]
    pub fn now(&self) -> Clocks {
        match &self.source {
            Source::Boot => Clocks {
                wall_ms: wall_ms(),
                mono_ms: boot_ms(),
            },
            Source::Process(start) => Clocks {
                wall_ms: wall_ms(),
                mono_ms: i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX),
            },
            Source::Manual(cells) => {
                let [wall, mono] = cells.as_ref();
                Clocks {
                    wall_ms: wall.load(Ordering::SeqCst),
                    mono_ms: mono.load(Ordering::SeqCst),
                }
            }
        }
    }

    /// Returns the milliseconds since the boot; 0 before it.
    #[must_use]
    pub fn ms_since_boot(&self) -> u64 {
        u64::try_from(self.now().mono_ms).unwrap_or(0)
    }

    /// Returns the boot that the monotonic clock belongs to.
    #[must_use]
    pub fn boot(&self) -> &BootId {
        &self.boot
    }
}

/// Moves a manual clock.
#[derive(Debug)]
pub struct Hand(Arc<[AtomicI64; 2]>);

impl Hand {
    /// Sets both clocks.
    pub fn set(&self, to: Clocks) {
        let [wall, mono] = self.0.as_ref();
        wall.store(to.wall_ms, Ordering::SeqCst);
        mono.store(to.mono_ms, Ordering::SeqCst);
    }

    /// Moves both clocks by as many milliseconds.
    pub fn advance(&self, ms: i64) {
        for cell in self.0.iter() {
            cell.fetch_add(ms, Ordering::SeqCst);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the time of day"
)]
fn wall_ms() -> i64 {
    let now = std::time::SystemTime::now();
    let ms = match now.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()),
        Err(before) => i64::try_from(before.duration().as_millis()).map(|ms| -ms),
    };
    ms.unwrap_or(0)
}

#[cfg(target_os = "linux")]
const MONOTONIC: rustix::time::ClockId = rustix::time::ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const MONOTONIC: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

fn boot_ms() -> i64 {
    let time = rustix::time::clock_gettime(MONOTONIC);
    time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

/// A boot id that no other process has.
fn random_boot() -> BootId {
    let bytes: [u8; 16] = rand::random();
    BootId::parse(&hex::encode(bytes)).expect("hexadecimal digits are a boot id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_later_than_2020_and_moves_on() {
        let clock = Clock::system();
        let first = clock.now();
        assert!(first.wall_ms > 1_577_836_800_000);
        assert!(clock.now().mono_ms >= first.mono_ms);
        assert_eq!(clock.boot(), Clock::system().boot());
    }
}
