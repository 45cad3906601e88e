//! Metrics and alerts as Prometheus sees them: promtool reads both.

use std::path::PathBuf;
use std::process::{Command, Output};

use tests::gateway::{Gateway, Setup};
use tests::process::workspace;

fn alerts(file: &str) -> PathBuf {
    workspace().join("gateway/alerts").join(file)
}

fn words(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn the_alert_rules_are_rules_and_fire_when_they_should() {
    for (task, file) in [
        ("check", "ortoo.rules.yml"),
        ("test", "ortoo.rules.test.yml"),
    ] {
        let output = Command::new("promtool")
            .args([task, "rules"])
            .arg(alerts(file))
            .output()
            .expect("promtool is installed");
        assert!(output.status.success(), "{}", words(&output));
    }
}

#[tokio::test]
async fn metrics_are_well_formed_and_hold_what_the_alerts_watch() {
    let dir = tempfile::tempdir().unwrap();
    let mut setup = Setup::new(dir.path());
    // Nobody listens there: the follower's metrics are there all the same.
    setup.more =
        "[history]\nstore = \"victoriametrics\"\nurl = \"http://127.0.0.1:9\"\n".to_owned();
    let gateway = Gateway::start(dir.path(), setup).await;
    let _ = gateway.client().get("/healthz").await.expect(200);
    let text = gateway.metrics_text().await;
    let file = dir.path().join("metrics.txt");
    std::fs::write(&file, &text).unwrap();
    let output = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .expect("promtool is installed");
    assert!(output.status.success(), "{}\n{text}", words(&output));

    let rules = std::fs::read_to_string(alerts("ortoo.rules.yml")).unwrap();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let named = rules.split(|letter| !is_name(letter));
    for name in named.filter(|name| name.starts_with("ortoo_")) {
        let known = text.lines().any(|line| {
            let rest = line.strip_prefix(name);
            let kind = line.strip_prefix(&format!("# TYPE {name} "));
            kind.is_some() || rest.is_some_and(|rest| rest.starts_with([' ', '{']))
        });
        assert!(known, "an alert watches {name}, which is not among\n{text}");
    }
}
