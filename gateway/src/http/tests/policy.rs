//! Trials of rules against bookings, and where rules come from.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Place, Who, at};

async fn try_rules(place: &Place, path: &str, rules: Value) -> super::Answer {
    let body = json!({ "rules": rules });
    place
        .send(Who::Manager, Method::PUT, path, Some(&body))
        .await
}

#[tokio::test]
async fn a_trial_names_the_bookings_that_would_break() {
    let place = Place::new().await;
    let wish = json!({ "instrument": "A-1", "start": at(40), "end": at(44), "purpose": "x" });
    let long = place.post(Who::Researcher, "/api/v1/bookings", &wish).await;
    let long = long.expect(201)["id"].clone();
    let path = "/api/v1/nodes/4/policy?dry_run=true";
    let rules = json!([{ "rule": "longest", "mode": "default", "minutes": 120 }]);
    let tried = try_rules(&place, path, rules.clone()).await.expect(200);
    assert_eq!(tried["longest"], "PT2H");
    let simulation = &tried["simulation"];
    assert_eq!(simulation["days"], 30);
    assert_eq!(simulation["bookings"], 8);
    assert_eq!(simulation["cut"], false);
    assert_eq!(simulation["by_rule"], json!({ "longest": 1 }));
    assert_eq!(simulation["future"], json!([long]));
    let broken = &simulation["would_refuse"][0];
    assert_eq!(broken["booking"], long);
    assert_eq!(broken["start"], at(40));
    assert_eq!(broken["instrument"], "A-1");
    assert_eq!(broken["member_label"], "人员1");
    assert_eq!(broken["refusals"][0]["rule"], "longest");
    let none = try_rules(&place, path, json!([])).await.expect(200);
    assert_eq!(none["simulation"]["would_refuse_total"], 0);
    // Nothing was set.
    let set = place
        .get(Who::Manager, "/api/v1/nodes/4/policy")
        .await
        .expect(200);
    assert_eq!(set["version"], 0);
    for days in ["0", "93", "x"] {
        let path = format!("{path}&days={days}");
        let problem = try_rules(&place, &path, rules.clone()).await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], "days");
    }
}

#[tokio::test]
async fn a_trial_at_an_instrument_leaves_others_alone() {
    let place = Place::new().await;
    let rules = json!([{ "rule": "shortest", "mode": "default", "minutes": 90 }]);
    let here = "/api/v1/instruments/A-1/policy?dry_run=true";
    let here = try_rules(&place, here, rules.clone()).await.expect(200);
    assert_eq!(here["simulation"]["would_refuse_total"], 7);
    let there = "/api/v1/instruments/D-1/policy?dry_run=true&days=92";
    let there = try_rules(&place, there, rules).await.expect(200);
    assert_eq!(there["simulation"]["bookings"], 0);
}

#[tokio::test]
async fn every_rule_in_force_tells_where_it_comes_from() {
    let place = Place::new().await;
    let rules = json!([
        { "rule": "longest", "mode": "default", "minutes": 60, "classes": ["region"] },
        { "rule": "horizon", "mode": "binding", "days": 3 },
    ]);
    let path = "/api/v1/instruments/A-1/policy";
    let set = try_rules(&place, path, rules).await.expect(200);
    let effective = format!("{path}/effective");
    let answer = place.get(Who::Anonymous, &effective).await.expect(200);
    assert_eq!(answer["policy_version"], set["version"]);
    let of = |kind: &str| -> Vec<Value> {
        let rules = answer["rules"].as_array().unwrap().iter();
        rules
            .filter(|rule| rule["rule"] == kind)
            .map(|rule| json!([rule["level"], rule["node"], rule["mode"], rule["classes"]]))
            .collect()
    };
    let expected = [
        json!(["region", 1, "default", ["internal", "enterprise"]]),
        json!(["instrument", null, "default", ["region"]]),
    ];
    assert_eq!(of("longest"), expected);
    let expected = [
        json!(["region", 1, "default", null]),
        json!(["instrument", null, "binding", null]),
    ];
    assert_eq!(of("horizon"), expected);
    assert_eq!(answer["rules"][0]["node_name"], "区域1");
}
