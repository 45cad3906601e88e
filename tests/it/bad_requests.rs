//! What bad requests, settings and starts get: an answer that names what is wrong.

use std::path::Path;

use serde_json::json;
use tests::client::Answer;
use tests::gateway::{Gateway, Ports, Setup, run_to_end};
use tests::region::{Plan, Region};
use tests::times::{quarter_ahead_ms, rfc3339};

async fn start(dir: &Path) -> (Region, Gateway) {
    let setup = Setup::new(dir);
    let plan = Plan {
        researchers: 1,
        instruments: 1,
        agents: 1,
    };
    let region = Region::fill(&setup, plan).await;
    (region, Gateway::start(dir, setup).await)
}

#[tokio::test]
async fn bad_json_names_the_field() {
    let dir = tempfile::tempdir().unwrap();
    let (region, gateway) = start(dir.path()).await;
    let client = gateway.client().with_token(&region.researchers[0].token);
    let (start, end) = (rfc3339(quarter_ahead_ms(24)), rfc3339(quarter_ahead_ms(25)));
    let good =
        json!({ "instrument": region.instruments[0], "start": start, "end": end, "purpose": "x" });
    for (field, value) in [
        ("start", json!("tomorrow")),
        ("end", json!(17)),
        ("instrument", json!("../../etc")),
        ("instrument", json!(null)),
        ("purpose", json!({ "a": 1 })),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let problem = client
            .post("/api/v1/bookings", &body)
            .await
            .expect_problem(400, "malformed-request");
        let errors = problem["errors"].as_array().unwrap();
        assert!(
            errors.iter().any(|error| error["field"] == field),
            "{field}: {problem:#}"
        );
        assert!(
            errors
                .iter()
                .all(|error| error["message"].as_str().is_some_and(|m| !m.is_empty()))
        );
    }
    let mut body = good.clone();
    body.as_object_mut().unwrap().remove("end");
    let problem = client
        .post("/api/v1/bookings", &body)
        .await
        .expect_problem(400, "malformed-request");
    assert!(problem["errors"].to_string().contains("end"), "{problem:#}");

    let raw = |text: &'static str| {
        let request = client.request(reqwest::Method::POST, "/api/v1/bookings");
        Answer::of(
            text.to_owned(),
            request
                .header("Content-Type", "application/json")
                .body(text),
        )
    };
    for text in ["", "{", "[]", "null", "{\"instrument\":\"\u{0}\"}"] {
        let _ = raw(text)
            .await
            .unwrap()
            .expect_problem(400, "malformed-request");
    }
    let large = Box::leak("x".repeat(2 * 1024 * 1024).into_boxed_str());
    let _ = raw(large).await.unwrap().expect_problem(413, "too-large");
    // The gateway may close the connection of whoever sends too much: go on with another one.
    let client = gateway.client();
    let query = client.get("/api/v1/instruments?limit=many").await;
    let problem = query.expect_problem(400, "malformed-request");
    assert!(
        problem["errors"].to_string().contains("limit"),
        "{problem:#}"
    );
    let _ = client
        .get("/api/v1/nowhere")
        .await
        .expect_problem(404, "not-found");
}

#[tokio::test]
async fn a_second_gateway_on_the_folder_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let (_region, gateway) = start(dir.path()).await;
    let second = dir.path().join("second");
    std::fs::create_dir(&second).unwrap();
    let file = second.join("ortoo.toml");
    gateway.setup.write(&file, &Ports::default());
    let (code, out, words) = run_to_end(&["serve", "--config", file.to_str().unwrap()], &second);
    assert_eq!(code, Some(1), "{words}");
    assert_eq!(out, "", "a gateway that refuses is not ready");
    let folder = gateway.setup.data.to_str().unwrap();
    assert!(
        words.contains(folder),
        "the refusal does not name the folder:\n{words}"
    );
    let _ = gateway.client().get("/healthz").await.expect(200);
}

#[test]
fn a_wrong_settings_file_lists_every_fault_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let text = "data = 7\n[http]\nlisten = \"nowhere\"\ncolour = \"red\"\n\n[mqtt]\nmode = \"carrier pigeon\"\n\
                [limits]\nlogin_per_minute = -1\n";
    std::fs::write(dir.path().join("ortoo.toml"), text).unwrap();
    for command in ["serve", "check"] {
        let (code, _, words) = run_to_end(&[command, "--config", "ortoo.toml"], dir.path());
        assert_eq!(code, Some(2), "{command}: {words}");
        for line in [1, 3, 4, 7, 9] {
            assert!(
                words.contains(&format!("ortoo.toml:{line}:")),
                "{command}, line {line}:\n{words}"
            );
        }
    }
    let (code, _, words) = run_to_end(&["serve", "--config", "absent.toml"], dir.path());
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("absent.toml"), "{words}");
}
