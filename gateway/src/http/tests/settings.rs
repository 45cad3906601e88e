//! Rules, sources and state rules: set, tried, refused.

use axum::http::Method;
use serde_json::{Value, json};

use super::edits::with_headers;
use super::{Place, Who};

#[tokio::test]
async fn rules_are_set_with_a_trial_before() {
    let place = Place::new().await;
    let path = "/api/v1/instruments/A-1/policy";
    let body = json!({ "rules": [{ "rule": "longest", "mode": "default", "minutes": 60 }] });
    let trial = format!("{path}?dry_run=true");
    let would = place
        .send(Who::Manager, Method::PUT, &trial, Some(&body))
        .await
        .expect(200);
    assert_eq!(would["longest"], "PT1H");
    assert_eq!(would["shortest"], "PT30M", "what is set above stays");
    assert_eq!(
        place.get(Who::Manager, path).await.expect(200)["version"],
        0
    );
    let set = place
        .send(Who::Manager, Method::PUT, path, Some(&body))
        .await
        .expect(200);
    assert_eq!(set["rules"], body["rules"]);
    let detail = place
        .get(Who::Anonymous, "/api/v1/instruments/A-1")
        .await
        .expect(200);
    assert_eq!(detail["rules"]["longest"], "PT1H");
    assert_eq!(detail["rules"]["policy_version"], set["version"]);
    let rule =
        |kind: &str, minutes: u32| json!({ "rule": kind, "mode": "default", "minutes": minutes });
    for (rules, field) in [
        (
            json!([rule("longest", 60), rule("shortest", 90)]),
            "rules[1]",
        ),
        (
            json!([
                rule("longest", 60),
                rule("shortest", 30),
                rule("longest", 90)
            ]),
            "rules[2]",
        ),
    ] {
        for path in [trial.as_str(), path] {
            let body = json!({ "rules": rules });
            let problem = place
                .send(Who::Manager, Method::PUT, path, Some(&body))
                .await;
            let problem = problem.expect_problem(400, "malformed-request");
            assert_eq!(problem["errors"][0]["field"], field);
        }
    }
    let headers = [("authorization", "Bearer ort_2"), ("if-match", "\"0\"")];
    let stale = with_headers(&place, Method::PUT, path, &headers, Some(body)).await;
    stale.expect_problem(409, "stale-version");
}

#[tokio::test]
async fn source_and_state_rule_come_back_as_set() {
    let place = Place::new().await;
    let path = "/api/v1/instruments/A-1/source";
    assert_eq!(place.get(Who::Manager, path).await.expect(200), Value::Null);
    let source = json!({ "agent": "agent-1", "device": "meter-1" });
    place
        .send(Who::Manager, Method::PUT, path, Some(&source))
        .await
        .expect(200);
    assert_eq!(place.get(Who::Manager, path).await.expect(200), source);
    for (body, field) in [
        (json!({ "agent": "nobody" }), "agent"),
        (json!({}), "agent"),
        (json!({ "agent": "a b" }), "agent"),
    ] {
        let problem = place
            .send(Who::Manager, Method::PUT, path, Some(&body))
            .await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let path = "/api/v1/instruments/A-1/state-rule";
    let standard = place.get(Who::Anonymous, path).await.expect(200);
    assert_eq!(standard["dwell"], "PT10S");
    assert_eq!(standard["stale_after"], "PT30S");
    let mut rule = standard.clone();
    rule["running_above"] = json!(250.5);
    rule["standby_above"] = Value::Null;
    rule["dwell"] = json!("PT1M");
    place
        .send(Who::Manager, Method::PUT, path, Some(&rule))
        .await
        .expect(200);
    assert_eq!(place.get(Who::Anonymous, path).await.expect(200), rule);
    rule["running_below"] = json!(300.0);
    let problem = place
        .send(Who::Manager, Method::PUT, path, Some(&rule))
        .await;
    problem.expect_problem(400, "malformed-request");
}

#[tokio::test]
async fn a_node_shows_what_is_in_force_below_it_and_where_it_is_set() {
    let place = Place::new().await;
    let body = json!({ "rules": [{ "rule": "longest", "mode": "binding", "minutes": 60 }] });
    let region = "/api/v1/nodes/1/policy";
    place
        .send(Who::RegionAdmin, Method::PUT, region, Some(&body))
        .await
        .expect(200);
    let longest = async |path: &str| {
        let read = place.get(Who::Anonymous, path).await.expect(200);
        let rules = read["rules"].as_array().unwrap().iter();
        rules
            .filter(|one| one["rule"] == "longest")
            .map(|one| (one["level"].clone(), one["node"].clone()))
            .collect::<Vec<(Value, Value)>>()
    };
    let set_at = (json!("region"), json!(1));
    assert_eq!(
        longest("/api/v1/nodes/1/policy/effective").await,
        std::slice::from_ref(&set_at)
    );
    assert_eq!(
        longest("/api/v1/nodes/4/policy/effective").await,
        std::slice::from_ref(&set_at)
    );
    let own = json!({ "rules": [{ "rule": "longest", "mode": "default", "minutes": 30 }] });
    let lab = "/api/v1/nodes/4/policy";
    place
        .send(Who::Manager, Method::PUT, lab, Some(&own))
        .await
        .expect(200);
    let both = longest("/api/v1/nodes/4/policy/effective").await;
    assert_eq!(both, [set_at.clone(), (json!("lab"), json!(4))]);
    let above = longest("/api/v1/nodes/1/policy/effective").await;
    assert_eq!(above, [set_at], "what a lab sets is the lab's");
}
