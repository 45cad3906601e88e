//! A disk that fails once, at one flush after the other: what was acknowledged is there after a
//! restart, and what was not was never promised. `disk_torture` tries every position.

use tests::disk_torture::one_failure;

/// Which flush of a thread fails. The first ones are those of opening the databases.
const POSITIONS: [u32; 6] = [1, 2, 8, 12, 20, 40];

#[tokio::test]
async fn what_was_acknowledged_outlives_a_failed_flush() {
    let mut failed = 0;
    for position in POSITIONS {
        let dir = tempfile::tempdir().unwrap();
        let outcome = one_failure(dir.path(), position).await;
        println!("flush {position}: {outcome:?}");
        failed += usize::from(outcome.failed);
    }
    assert!(failed > 0, "no flush failed: the check is blind");
}
