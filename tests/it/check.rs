//! `ortoo check`: every setting with what it must be, and the exit code of a wrong one.

use std::os::unix::fs::PermissionsExt as _;

use tests::gateway::{Ports, Setup, run_to_end};
use tests::influx::{BUCKET, Influx, ORG, TOKEN};

/// Checks a data folder whose readings are written on to a double, with this token.
async fn check(dir: &std::path::Path, token: &str) -> (Option<i32>, String) {
    let influx = Influx::start().await;
    let mut setup = Setup::new(dir);
    setup.more = format!(
        "[history]\nstore = \"influxdb2\"\nurl = \"{}\"\norg = \"{ORG}\"\nbucket = \"{BUCKET}\"\n\
         token = \"{token}\"\nqueue_mib = 64\n",
        influx.url()
    );
    let file = dir.join("ortoo.toml");
    setup.write(&file, &Ports::default());
    let dir = dir.to_owned();
    let ended =
        tokio::task::spawn_blocking(move || run_to_end(&["check", "--config", "ortoo.toml"], &dir));
    let (code, out, words) = ended.await.unwrap();
    (code, out + &words)
}

#[tokio::test]
async fn a_check_prints_what_must_be_and_fails_on_what_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (code, told) = check(dir.path(), TOKEN).await;
    assert_eq!(code, Some(0), "{told}");
    for line in [
        "booking database: synchronous",
        "telemetry store: journal_mode",
        "telemetry: in all, forecast",
        "clock",
        "history.store: a line",
    ] {
        assert!(told.contains(line), "{line} is missing in\n{told}");
    }
    assert!(!told.contains(TOKEN), "{told}");

    // A wrong token, and a folder that others may look into.
    let data = dir.path().join("data");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (code, told) = check(dir.path(), "wrong").await;
    assert_eq!(code, Some(1), "{told}");
    let wrong: Vec<&str> = told.lines().filter(|line| line.ends_with(" NO")).collect();
    assert_eq!(wrong.len(), 2, "{told}");
    assert!(
        wrong[0].contains("data: mode") && wrong[0].contains("755"),
        "{told}"
    );
    assert!(wrong[1].contains("401"), "{told}");
}
