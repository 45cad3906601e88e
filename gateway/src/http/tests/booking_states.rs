//! Every state of a booking against everything that is done with one: allowed or `wrong-state`, and
//! `can` says the same before.

use axum::http::Method;
use scheduler::booking::Status;
use serde_json::{Value, json};

use super::{Place, Who, at};

/// What is done by the lab: its name in `can`, method, the rest of the address and the body.
fn acts() -> [(&'static str, Method, &'static str, Option<Value>); 6] {
    // The last one is told after use too: no word in `can` for it.
    [
        ("approve", Method::POST, "/approve", None),
        ("decline", Method::POST, "/decline", None),
        (
            "transfer",
            Method::POST,
            "/transfer",
            Some(json!({ "member": 2 })),
        ),
        // Booking 4, from 11 to 12.
        (
            "change",
            Method::PATCH,
            "",
            Some(json!({ "end": at(35).replace(":00:00+", ":30:00+") })),
        ),
        ("cancel", Method::DELETE, "", None),
        (
            "",
            Method::PATCH,
            "",
            Some(json!({ "details": { "samples": 3 } })),
        ),
    ]
}

/// Which of the acts a state allows, in their order.
fn allowed(status: Status) -> [bool; 6] {
    match status {
        Status::Pending => [true, true, true, true, true, true],
        Status::Confirmed => [false, false, true, true, true, true],
        Status::InUse => [false, false, false, true, false, true],
        Status::Completed | Status::NoShow => [false, false, false, false, false, true],
        Status::Unverified => [false, false, false, true, true, true],
        Status::Cancelled | Status::Declined | Status::Expired => [false; 6],
    }
}

fn put_all_into(status: Status) -> Vec<String> {
    let word = status.as_str();
    let mut statements = vec![format!("UPDATE bookings SET status = '{word}'")];
    if status == Status::Pending {
        statements.push("UPDATE bookings SET due_us = start_us".to_owned());
    }
    if !status.claims() {
        statements.push("DELETE FROM claims WHERE booking IS NOT NULL".to_owned());
    }
    statements
}

#[tokio::test]
async fn every_state_allows_what_it_should_and_says_so_before() {
    for status in Status::ALL {
        let place = Place::with_rows(&put_all_into(status)).await;
        for (number, ((name, method, rest, body), is_allowed)) in
            (1..).zip(acts().into_iter().zip(allowed(status)))
        {
            let own = format!("/api/v1/bookings/{number}");
            let seen = place.get(Who::Manager, &own).await.expect(200);
            assert_eq!(seen["status"], status.as_str());
            let can = seen["can"].as_array().unwrap();
            if !name.is_empty() {
                assert_eq!(can.contains(&json!(name)), is_allowed, "{status:?} {name}");
            }
            let path = format!("{own}{rest}");
            let answer = place.send(Who::Manager, method, &path, body.as_ref()).await;
            if is_allowed {
                let done = answer.expect(200);
                assert_eq!(done["version"], 2, "{status:?} {name}");
            } else {
                answer.expect_problem(409, "wrong-state");
                let after = place.get(Who::Manager, &own).await.expect(200);
                assert_eq!(after, seen, "{status:?} {name}");
            }
        }
    }
}

#[tokio::test]
async fn who_only_looks_on_can_do_nothing() {
    let place = Place::new().await;
    let path = "/api/v1/bookings/1";
    let auditor = place.get(Who::Auditor, path).await.expect(200);
    assert_eq!(auditor["can"], json!([]));
    let owner = place.get(Who::Researcher, path).await.expect(200);
    assert_eq!(owner["can"], json!(["change", "cancel", "transfer"]));
    let manager = place.get(Who::Manager, path).await.expect(200);
    let lab = json!(["change", "cancel", "transfer", "override"]);
    assert_eq!(manager["can"], lab);
}

#[tokio::test]
async fn both_sides_see_who_decided() {
    let place = Place::with_rows(&put_all_into(Status::Pending)).await;
    for (number, act) in [(1, "approve"), (2, "decline")] {
        let path = format!("/api/v1/bookings/{number}");
        let before = place.get(Who::Manager, &path).await.expect(200);
        assert_eq!(before["decided_by"], Value::Null);
        let act = format!("{path}/{act}");
        let done = place.send(Who::CentreAdmin, Method::POST, &act, None).await;
        let done = done.expect(200);
        let seen = place.get(Who::Manager, &path).await.expect(200);
        assert_eq!(seen["decided_by"], done["decided_by"]);
        assert_eq!(seen["decided_at"], at(0));
    }
    let own = place.get(Who::Researcher, "/api/v1/bookings/1").await;
    let admin = Who::CentreAdmin.number();
    assert_eq!(own.expect(200)["decided_by"]["id"], admin);
}
