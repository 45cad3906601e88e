//! The earliest slots over many instruments, over HTTP.

use serde_json::json;

use super::{Place, Who, at};

#[tokio::test]
async fn the_first_answer_can_be_booked_at_once() {
    let place = Place::new().await;
    let path = "/api/v1/availability?capability=xrd&duration=PT2H&limit=3";
    let found = place.get(Who::Researcher, path).await.expect(200);
    let offers = found["offers"].as_array().unwrap();
    assert_eq!(offers.len(), 3);
    // The world opens at eight; drafts are not for a researcher.
    assert!(offers.iter().all(|offer| offer["start"] == at(8)));
    assert!(offers.iter().all(|offer| offer["instrument"] != "A-DRAFT"));
    for offer in offers {
        let wish = json!({ "instrument": offer["instrument"], "start": offer["start"],
            "end": offer["end"], "purpose": "x" });
        let booked = place.post(Who::Researcher, "/api/v1/bookings", &wish).await;
        booked.expect(201);
    }
    let again = place.get(Who::Researcher, path).await.expect(200);
    let again = again["offers"].as_array().unwrap();
    let key = |offer: &serde_json::Value| offer["instrument"].clone();
    let taken: Vec<_> = offers.iter().map(key).collect();
    assert!(again.iter().map(key).all(|key| !taken.contains(&key)));
}

#[tokio::test]
async fn those_left_out_are_told_with_their_reason() {
    let place = Place::new().await;
    let long = "/api/v1/availability?duration=PT9H&centre=5";
    let found = place.get(Who::Researcher, long).await.expect(200);
    assert_eq!(found["offers"], json!([]));
    assert_eq!(found["excluded"].as_array().unwrap().len(), 1);
    let only = &found["excluded"][0];
    assert_eq!(
        (
            &only["instrument"],
            &only["why"],
            &only["refusals"][0]["rule"]
        ),
        (&json!("B-1"), &json!("rules"), &json!("longest"))
    );
    assert!(
        only["refusals"][0]["message"]
            .as_str()
            .unwrap()
            .contains("最长")
    );
    let auditor = place.get(Who::Auditor, long).await.expect(200);
    assert_eq!(auditor["excluded"][0]["why"], "not_permitted");
    let far = "/api/v1/availability?duration=PT1H&centre=5&near=43.65,111.98&within_km=50";
    let far = place.get(Who::Researcher, far).await.expect(200);
    assert_eq!(far["excluded"][0]["why"], "out_of_reach");
    let nothing = "/api/v1/availability?duration=PT1H&capability=sem";
    let nothing = place.get(Who::Researcher, nothing).await.expect(200);
    assert_eq!(
        nothing,
        json!({ "offers": [], "excluded": [], "excluded_total": 0, "later": 0 })
    );
}

#[tokio::test]
async fn questions_that_make_no_sense_name_their_field() {
    let place = Place::new().await;
    for (query, field) in [
        ("", "duration"),
        ("duration=PT0S", "duration"),
        ("duration=P32D", "duration"),
        ("duration=PT1H&limit=51", "limit"),
        ("duration=PT1H&near=91,0", "near"),
        ("duration=PT1H&within_km=5", "within_km"),
        ("duration=PT1H&near=1,1&within_km=0", "within_km"),
        ("duration=PT1H&centre=x", "centre"),
        ("duration=PT1H&to=2030-01-01T00:00:00Z", "to"),
        (
            "duration=PT1H&from=2030-01-01T00:00:00Z&to=2029-01-01T00:00:00Z",
            "to",
        ),
        ("duration=PT1H&colour=red", "colour"),
    ] {
        let path = format!("/api/v1/availability?{query}");
        let problem = place.get(Who::Researcher, &path).await;
        let problem = problem.expect_problem(400, "malformed-request");
        assert_eq!(problem["errors"][0]["field"], field, "{query}");
    }
}
