//! Projects, qualifications, questions, points and notices over HTTP: what is shown to whom, and
//! what is wrong with what is sent.

use serde_json::{Value, json};

use super::{Answer, MIDNIGHT, Method, Place, Who, at};

async fn patch(place: &Place, who: Who, path: &str, body: Value) -> Answer {
    place.send(who, Method::PATCH, path, Some(&body)).await
}

async fn put(place: &Place, who: Who, path: &str, body: Value) -> Answer {
    place.send(who, Method::PUT, path, Some(&body)).await
}

#[track_caller]
fn faults(answer: Answer) -> Vec<String> {
    let problem = answer.expect_problem(400, "malformed-request");
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect()
}

fn project() -> Value {
    json!({ "code": "NSFC-1", "name": "稀土", "institution": 3, "payer": "稀土公司",
        "funds": "NSFC", "budget": "PT200H", "from": at(0), "until": at(24 * 90), "members": [1] })
}

#[tokio::test]
async fn a_project_is_made_edited_and_shown_to_its_members() {
    let place = Place::new().await;
    let admin = Who::CentreAdmin;
    let made = place.post(admin, "/api/v1/projects", &project()).await;
    assert_eq!(made.header("location"), "/api/v1/projects/1");
    let made = made.expect(201);
    assert_eq!(made["budget"], "PT200H");
    assert_eq!(made["used"], "PT0S");
    assert_eq!(made["institution_name"], "单位3");
    assert_eq!(made["members"], json!([{ "id": 1, "name": "人员1" }]));
    place
        .post(admin, "/api/v1/projects", &project())
        .await
        .expect_problem(409, "wrong-state");
    let mine = async |who| {
        let list = place
            .get(who, "/api/v1/projects?mine=true")
            .await
            .expect(200);
        list["total"].as_u64().unwrap()
    };
    assert_eq!(mine(Who::Researcher).await, 1);
    assert_eq!(mine(Who::Manager).await, 0, "members are named");
    assert_eq!(mine(admin).await, 0);
    place
        .get(Who::Manager, "/api/v1/projects/1")
        .await
        .expect_problem(404, "not-found");
    let open = json!({ "members": [], "budget": null, "until": null });
    let edited = patch(&place, admin, "/api/v1/projects/1", open)
        .await
        .expect(200);
    assert_eq!(edited["budget"], Value::Null);
    assert_eq!(edited["until"], Value::Null);
    assert_eq!(edited["from"], at(0), "what is left out stays");
    assert_eq!(edited["version"], 2);
    assert_eq!(mine(Who::Manager).await, 1, "everybody of the institution");
    assert_eq!(mine(Who::Neighbour).await, 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_project_is_named() {
    let place = Place::new().await;
    for (field, value, named) in [
        ("code", json!(""), "code"),
        ("code", json!("x".repeat(65)), "code"),
        ("name", json!("  "), "name"),
        ("institution", json!(4), "institution"),
        ("funds", json!("x".repeat(101)), "funds"),
        ("budget", json!("200 h"), "budget"),
        ("budget", json!("PT0S"), "budget"),
        ("until", json!(at(0)), "until"),
        ("members", json!([99]), "members"),
    ] {
        let mut body = project();
        body[field] = value;
        let refused = place
            .post(Who::RegionAdmin, "/api/v1/projects", &body)
            .await;
        assert_eq!(faults(refused), [named]);
    }
}

#[tokio::test]
async fn a_qualification_is_seen_by_its_owner_and_the_lab() {
    let place = Place::new().await;
    let body = json!({ "member": 1, "name": "xrd", "expires_at": at(24) });
    let made = place
        .post(Who::Manager, "/api/v1/qualifications", &body)
        .await
        .expect(201);
    assert_eq!(made["lab"], 4);
    assert_eq!(made["lab_name"], "实验室4");
    let count = async |who, query: &str| {
        let path = format!("/api/v1/qualifications?{query}");
        place.get(who, &path).await.expect(200)["total"]
            .as_u64()
            .unwrap()
    };
    for (who, expected) in [
        (Who::Researcher, 1),
        (Who::Manager, 1),
        (Who::Auditor, 1),
        (Who::Neighbour, 0),
        (Who::Stranger, 0),
    ] {
        assert_eq!(count(who, "member=1").await, expected, "{who:?}");
    }
    assert_eq!(count(Who::Manager, "mine=true").await, 0);
    assert_eq!(count(Who::Manager, "lab=7").await, 0);
    place.hand.advance(scheduler::time::DAY_US);
    let list = place
        .get(Who::Researcher, "/api/v1/qualifications?mine=true")
        .await
        .expect(200);
    assert_eq!(list["items"][0]["expired"], true);
    for (body, field) in [
        (json!({ "member": 99, "name": "xrd" }), "member"),
        (json!({ "member": 1, "name": "" }), "name"),
        (
            json!({ "member": 1, "name": "x", "expires_at": at(1) }),
            "expires_at",
        ),
        (json!({ "member": 1, "name": "x", "lab": 2 }), "lab"),
    ] {
        let refused = place
            .post(Who::Manager, "/api/v1/qualifications", &body)
            .await;
        assert_eq!(faults(refused), [field]);
    }
}

#[tokio::test]
async fn questions_come_back_with_those_asked_above() {
    let place = Place::new().await;
    let question = |name: &str| {
        json!({ "name": name, "label": "样品质量", "label_en": "Mass", "required": true,
            "answer": { "kind": "number", "least": 1, "most": 500, "unit": "mg" } })
    };
    let region = json!({ "questions": [question("mass")] });
    put(
        &place,
        Who::RegionAdmin,
        "/api/v1/nodes/1/questions",
        region,
    )
    .await
    .expect(200);
    let path = "/api/v1/instruments/A-1/questions";
    let own = json!({ "questions": [question("depth")] });
    let set = put(&place, Who::Manager, path, own).await;
    assert_eq!(set.header("etag"), "\"1\"");
    let read = place.get(Who::Anonymous, path).await.expect(200);
    assert_eq!(read["questions"].as_array().unwrap().len(), 1);
    assert_eq!(read["all"][0]["name"], "mass");
    assert_eq!(read["all"][1]["name"], "depth");
    // What was read can be sent back.
    let again = put(&place, Who::Manager, path, read).await.expect(200);
    assert_eq!(again["version"], 2);
    let lab = place
        .get(Who::Anonymous, "/api/v1/nodes/4/questions")
        .await
        .expect(200);
    assert_eq!(lab["all"].as_array().unwrap().len(), 1);
    let wrong = json!({ "questions": [question("mass"), question("mass"), question("Mass")] });
    let refused = put(&place, Who::Manager, path, wrong).await;
    assert_eq!(faults(refused), ["questions[1].name", "questions[2].name"]);
}

#[tokio::test]
async fn a_booking_answers_what_is_asked() {
    let place = Place::new().await;
    let question = |name: &str, after_use: bool| {
        json!({ "name": name, "label": "样品质量", "label_en": "Mass", "required": true,
            "after_use": after_use, "answer": { "kind": "number", "least": 1, "most": 500 } })
    };
    let set = json!({ "questions": [question("mass", false), question("left", true)] });
    let path = "/api/v1/instruments/B-1/questions";
    put(&place, Who::RegionAdmin, path, set).await.expect(200);
    let bookings = "/api/v1/bookings";
    let book = |details: Value| {
        json!({ "instrument": "B-1", "start": at(9), "end": at(10), "purpose": "x",
            "details": details })
    };
    for (answers, wrong) in [
        (json!({}), "details.answers.mass"),
        (json!({ "mass": 501 }), "details.answers.mass"),
        (json!({ "mass": 3, "left": 2 }), "details.answers.left"),
        (json!({ "mass": 3, "colour": 2 }), "details.answers.colour"),
    ] {
        let body = book(json!({ "answers": answers }));
        let refused = place.post(Who::Researcher, bookings, &body).await;
        assert_eq!(faults(refused), [wrong]);
    }
    let nothing = book(json!({}));
    let trial = "/api/v1/bookings?dry_run=true";
    let trial = place.post(Who::Researcher, trial, &nothing).await;
    let trial = trial.expect(200);
    assert_eq!(trial["questions"][0]["name"], "mass");
    let good = book(json!({ "answers": { "mass": 3 } }));
    let made = place.post(Who::Researcher, bookings, &good).await;
    made.expect(201);
}

#[tokio::test]
async fn points_are_appealed_against_by_their_owner_and_decided_by_the_lab() {
    let given = format!(
        "INSERT INTO penalties VALUES (1, 1, 1, 1, 'late_cancellation', 2, {MIDNIGHT}, 0, 'null')"
    );
    let place = Place::with_rows(&[given]).await;
    let mine = async |who, path: &str| place.get(who, path).await.expect(200);
    let own = mine(Who::Researcher, "/api/v1/penalties?mine=true").await;
    assert_eq!(own["items"][0]["points"], 2);
    assert_eq!(own["items"][0]["can"], json!(["appeal"]));
    let lab = mine(Who::Manager, "/api/v1/penalties?lab=4&appealed=true").await;
    assert_eq!(lab["total"], 0);
    let (appeal, decide) = ("/api/v1/penalties/1/appeal", "/api/v1/penalties/1/decide");
    let text = json!({ "text": "停电了" });
    place
        .post(Who::Stranger, appeal, &text)
        .await
        .expect_problem(404, "not-found");
    let empty = place
        .post(Who::Researcher, appeal, &json!({ "text": "" }))
        .await;
    assert_eq!(faults(empty), ["text"]);
    place.post(Who::Researcher, appeal, &text).await.expect(200);
    place
        .post(Who::Researcher, appeal, &text)
        .await
        .expect_problem(409, "wrong-state");
    let lab = mine(Who::Manager, "/api/v1/penalties?lab=4&appealed=true").await;
    assert_eq!(lab["items"][0]["can"], json!(["decide"]));
    assert_eq!(lab["items"][0]["appeal"]["text"], "停电了");
    let grant = json!({ "grant": true, "answer": "属实" });
    let decided = place.post(Who::Manager, decide, &grant).await.expect(200);
    assert_eq!(decided["lifted"], true);
    assert_eq!(decided["appeal"]["state"], "granted");
    place
        .post(Who::Manager, decide, &grant)
        .await
        .expect_problem(409, "wrong-state");
    let told = mine(Who::Researcher, "/api/v1/notices?unseen=true").await;
    assert_eq!(told["items"][0]["kind"], "appeal_decided");
    assert_eq!(
        told["items"][0]["sentence"],
        "X射线衍射仪：您的申诉已有结果。“属实”"
    );
    assert_eq!(told["items"][0]["booking"], 1);
    let up_to = json!({ "up_to": told["items"][0]["id"] });
    let seen = place
        .post(Who::Researcher, "/api/v1/notices/seen", &up_to)
        .await
        .expect(200);
    assert_eq!(seen["seen"], 1);
    let told = mine(Who::Researcher, "/api/v1/notices?unseen=true").await;
    assert_eq!(told["total"], 0);
    let told = mine(Who::Manager, "/api/v1/notices").await;
    assert_eq!(told["total"], 1, "others' notices are their own");
}

/// A manager does not decide on the own points.
#[tokio::test]
async fn nobody_decides_the_own_appeal() {
    let appeal =
        r#"{"text":"x","at_us":0,"state":"open","decided_by":null,"answer":"","decided_us":null}"#;
    let given = format!(
        "INSERT INTO penalties VALUES (1, 2, 1, 1, 'no_show', 2, {MIDNIGHT}, 0, '{appeal}')"
    );
    let place = Place::with_rows(&[given]).await;
    let grant = json!({ "grant": true });
    let path = "/api/v1/penalties/1/decide";
    place
        .post(Who::Manager, path, &grant)
        .await
        .expect_problem(403, "not-allowed");
    place.post(Who::CentreAdmin, path, &grant).await.expect(200);
}
