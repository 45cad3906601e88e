//! `ortoo demo` with 60 instruments: ready, usable by what `demo.json` says, and clean at the end.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::client::Client;
use tests::process::{Process, ours};
use tests::publisher::Publisher;
use tests::speaker::Speaker;
use tests::wait;

/// A small demo in a debug build is ready within this time, on a busy machine too.
const READY: Duration = Duration::from_secs(120);
/// Any stop takes at most this long.
const STOPPED: Duration = Duration::from_secs(15);

async fn start(dir: &Path) -> (Process, Value) {
    let mut command = ours("ortoo");
    command.args([
        "demo",
        "--instruments",
        "60",
        "--history",
        "2",
        "--listen",
        "127.0.0.1:0",
    ]);
    command
        .arg("--data")
        .arg(dir.join("demo"))
        .stdin(Stdio::null());
    let mut demo = Process::start("demo", dir, &mut command);
    let file = dir.join("demo/demo.json");
    let text = wait::until("demo.json", READY, async || {
        if let Some(status) = demo.ended() {
            panic!("the demo ended with {status}");
        }
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    })
    .await;
    (demo, text)
}

#[tokio::test]
async fn everything_in_demo_json_works() {
    let dir = tempfile::tempdir().unwrap();
    let (mut demo, file) = start(dir.path()).await;
    let mode = dir
        .path()
        .join("demo/demo.json")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "demo.json holds passwords");
    let ready = demo.json_line(READY).await;
    for name in ["url", "mqtt_url", "metrics_url"] {
        assert_eq!(ready[name], file[name], "{name}");
    }
    let client = Client::anonymous(file["url"].as_str().unwrap());

    let logins = file["logins"].as_array().unwrap();
    let mut roles: HashMap<&str, usize> = HashMap::new();
    for login in logins {
        *roles.entry(login["role"].as_str().unwrap()).or_default() += 1;
    }
    for (role, least) in [
        ("researcher", 16),
        ("manager", 3),
        ("centre_admin", 1),
        ("region_admin", 1),
        ("auditor", 1),
    ] {
        assert!(
            roles.get(role).is_some_and(|count| *count >= least),
            "{role}: {roles:?}"
        );
    }
    // One of each role signs in by password, everybody by token.
    let mut signed_in = Vec::new();
    for login in logins {
        let role = &login["role"];
        let me = client
            .with_token(login["token"].as_str().unwrap())
            .get("/api/v1/me")
            .await
            .expect(200);
        assert_eq!(me["member"]["login"], login["name"]);
        assert_eq!(me["member"]["roles"][0]["role"], *role);
        if !signed_in.contains(&role) {
            signed_in.push(role);
            let body = json!({ "name": login["name"], "password": login["password"] });
            let member = client.post("/api/v1/login", &body).await.expect(200);
            assert_eq!(member["member"]["login"], login["name"]);
        }
    }

    // Every instrument that can report does, at the latest 10 s after it is asked.
    let counts = wait::until(
        "the instruments to report",
        Duration::from_secs(40),
        async || {
            let status = client.get("/api/v1/status").await.expect(200);
            let counts = &status["counts"];
            let count = |name: &str| counts[name].as_u64().unwrap_or(0);
            let reporting =
                count("idle") + count("running") + count("booked") + count("maintenance");
            if reporting >= 45 && count("running") >= 1 {
                Ok(counts.clone())
            } else {
                Err(counts.to_string())
            }
        },
    )
    .await;
    println!("{counts}");
    // Drafts are for those who run them: the public sees the published ones.
    let list = client.get("/api/v1/instruments?limit=5").await.expect(200);
    assert!(
        (50..=60).contains(&list["total"].as_u64().unwrap()),
        "{}",
        list["total"]
    );

    // The spare agents are for whoever wants to try: their secret works, and so do their readings.
    let agent = &file["agents"][0];
    let text = |name: &str| agent[name].as_str().unwrap();
    let url = file["mqtt_url"].as_str().unwrap();
    let mut session = Publisher::connect(url, text("name"), text("secret"))
        .await
        .unwrap();
    let mut speaker = Speaker::new(text("name"));
    session
        .subscribe(&format!("ortoo/v1/{}/down/+", text("name")))
        .await;
    session
        .send(&speaker.topic("hello"), speaker.hello().to_string())
        .await;
    let batch = speaker.readings(text("instrument"), &[("power_w", 4242.0)]);
    session
        .send(&speaker.topic("readings"), batch.to_string())
        .await;
    wait::until(
        "the reading of the spare agent",
        Duration::from_secs(10),
        async || {
            let shown = client
                .get(&format!("/api/v1/instruments/{}", text("instrument")))
                .await
                .expect(200);
            let value = &shown["channels"][0]["value"];
            if *value == 4242.0 {
                Ok(())
            } else {
                Err(shown["channels"].to_string())
            }
        },
    )
    .await;

    demo.signal("INT");
    let asked = Instant::now();
    assert_eq!(demo.exit_code(STOPPED).await, Some(0), "Ctrl-C");
    println!(
        "stopped {:.1} s after Ctrl-C",
        asked.elapsed().as_secs_f64()
    );
}

#[tokio::test]
async fn sigterm_stops_it_cleanly() {
    let dir = tempfile::tempdir().unwrap();
    let (mut demo, _) = start(dir.path()).await;
    demo.signal("TERM");
    assert_eq!(demo.exit_code(STOPPED).await, Some(0));
}
