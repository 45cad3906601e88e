//! Waiting for a condition with a deadline: the only way a test waits.

use std::time::{Duration, Instant};

/// First pause between two looks; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(5);
/// Longest pause between two looks.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Looks until `look` returns `Ok`, and returns that value.
///
/// # Panics
/// When `within` has passed: the message says what was waited for and the last `Err`.
pub async fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let began = Instant::now();
    let mut pause = PAUSE_MIN;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(last) => {
                let waited = began.elapsed();
                assert!(
                    waited < within,
                    "waited {waited:.1?} for {what}; last: {last}"
                );
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// As [`until`], for conditions that need no runtime.
///
/// # Panics
/// When `within` has passed: the message says what was waited for and the last `Err`.
pub fn until_now<T>(
    what: &str,
    within: Duration,
    mut look: impl FnMut() -> Result<T, String>,
) -> T {
    let began = Instant::now();
    let mut pause = PAUSE_MIN;
    loop {
        match look() {
            Ok(found) => return found,
            Err(last) => {
                let waited = began.elapsed();
                assert!(
                    waited < within,
                    "waited {waited:.1?} for {what}; last: {last}"
                );
                std::thread::sleep(pause);
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}
