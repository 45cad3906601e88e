//! Edits of the registry, and what they do to claims and readers.

use super::*;
use crate::credentials;
use crate::registry::{AgentEntry, SecretHash};

fn cancel(booking: scheduler::id::BookingId) -> Cancel {
    cancel_of(booking)
}

#[tokio::test]
async fn a_removed_instrument_leaves_its_history_and_keeps_its_key() {
    let place = Place::new().await;
    let id = InstrumentId::new(1);
    let longest = scheduler::policy::Rule {
        body: scheduler::policy::RuleBody::Longest { minutes: 60 },
        mode: scheduler::policy::Mode::Default,
        classes: scheduler::class::ClassSet::ALL,
    };
    let rules = RuleSet {
        version: 0,
        rules: vec![longest],
    };
    let edit = RegistryEdit::SetRules(Scope::Instrument(id), rules, None);
    place.desk.edit(edit).await.unwrap();
    let mine = booked(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    let remove = || place.desk.edit(RegistryEdit::RemoveInstrument(id, None));
    assert_eq!(remove().await.unwrap(), RegistryOutcome::InUse);
    place.desk.ask(cancel(mine.id)).await.unwrap();
    assert_eq!(remove().await.unwrap(), RegistryOutcome::Done(0));
    assert_eq!(remove().await.unwrap(), RegistryOutcome::NotFound);
    assert!(place.desk.snapshot(id).is_none());
    let mut again = instrument(1, 1);
    let add = async |place: &Place, instrument: &Instrument| {
        let added = RegistryEdit::AddInstrument(Box::new(instrument.clone()));
        place.desk.edit(added).await.unwrap()
    };
    assert_eq!(add(&place, &again).await, RegistryOutcome::Taken);
    let key = again.key.clone();
    again.key = InstrumentKey::parse(&key.as_str().to_lowercase()).unwrap();
    assert_ne!(again.key, key, "the test needs capitals");
    assert_eq!(add(&place, &again).await, RegistryOutcome::Taken);
    // What nobody ever used was a mistake, and may be registered again.
    again.key = InstrumentKey::parse("MISTAKE").unwrap();
    for number in [3, 4] {
        assert_eq!(add(&place, &again).await, RegistryOutcome::Done(number));
        let id = InstrumentId::new(u32::try_from(number).unwrap());
        let removed = RegistryEdit::RemoveInstrument(id, None);
        let removed = place.desk.edit(removed).await.unwrap();
        assert_eq!(removed, RegistryOutcome::Done(0));
    }
    let place = place.restart().await;
    assert_eq!(add(&place, &instrument(1, 1)).await, RegistryOutcome::Taken);
    assert_eq!(add(&place, &again).await, RegistryOutcome::Done(5));
    assert!(place.desk.booking(mine.id).is_some());
    let directory = place.desk.directory();
    assert_eq!(directory.instruments.len(), 2);
    assert!(directory.rules.is_empty());
}

#[tokio::test]
async fn names_that_are_taken_or_not_there_are_told_apart() {
    let place = Place::new().await;
    let twin = RegistryEdit::AddInstrument(Box::new(instrument(1, 1)));
    assert_eq!(place.desk.edit(twin).await.unwrap(), RegistryOutcome::Taken);
    let agent = |lab: i64| {
        RegistryEdit::AddAgent(AgentEntry {
            name: wire::AgentName::parse("lab-001").unwrap(),
            lab: NodeId::new(lab),
            secret: SecretHash::of(&credentials::new_secret()),
            created_at: Micros::new(0),
        })
    };
    let edit = |edit| place.desk.edit(edit);
    assert_eq!(edit(agent(99)).await.unwrap(), RegistryOutcome::NotFound);
    assert_eq!(edit(agent(4)).await.unwrap(), RegistryOutcome::Done(0));
    assert_eq!(edit(agent(4)).await.unwrap(), RegistryOutcome::Taken);
    let mut stale = instrument(1, 1);
    stale.version = 9;
    let stale = RegistryEdit::ReplaceInstrument(Box::new(stale));
    assert_eq!(edit(stale).await.unwrap(), RegistryOutcome::Stale);
}

#[tokio::test]
async fn a_lane_added_during_an_outage_is_out_too() {
    let place = Place::new().await;
    let open = OpenOutage {
        kind: record::OutageKind::Planned,
        instrument: InstrumentId::new(1),
        slot: slot(8, 18),
        reason: "校准".to_owned(),
        member: MemberId::new(1),
        choices: Vec::new(),
    };
    place.desk.ask(open).await.unwrap();
    let mut wider = instrument(1, 2);
    wider.version = 2;
    let edit = RegistryEdit::ReplaceInstrument(Box::new(wider));
    assert_eq!(
        place.desk.edit(edit).await.unwrap(),
        RegistryOutcome::Done(2)
    );
    refused(place.desk.ask(wish(1, 1, slot(9, 10))).await.unwrap());
    booked(place.desk.ask(wish(1, 1, slot(18, 19))).await.unwrap());
    booked(place.desk.ask(wish(1, 2, slot(18, 19))).await.unwrap());
}

#[tokio::test]
async fn a_lower_capacity_keeps_what_is_booked_and_takes_no_more() {
    let place = Place::new().await;
    booked(place.desk.ask(wish(2, 1, slot(9, 11))).await.unwrap());
    let second = booked(place.desk.ask(wish(2, 2, slot(10, 12))).await.unwrap());
    let mut narrower = instrument(2, 1);
    narrower.version = 2;
    let edit = RegistryEdit::ReplaceInstrument(Box::new(narrower));
    place.desk.edit(edit).await.unwrap();
    let place = place.restart().await;
    assert_eq!(place.snapshot(2).bookings.len(), 2);
    refused(place.desk.ask(wish(2, 3, slot(11, 12))).await.unwrap());
    place.desk.ask(cancel(second.id)).await.unwrap();
    booked(place.desk.ask(wish(2, 3, slot(11, 12))).await.unwrap());
}

#[tokio::test]
async fn a_session_outlives_a_restart_and_ends_when_it_is_ended() {
    let place = Place::new().await;
    let (id, member) = (SecretHash::of("session"), MemberId::new(3));
    let begin = RegistryEdit::AddSession(id, member);
    place.desk.edit(begin).await.unwrap();
    let place = place.restart().await;
    let now = place.clock.now();
    assert_eq!(place.desk.sessions().member(&id, now), Some(member));
    let end = RegistryEdit::RemoveSession(id);
    place.desk.edit(end).await.unwrap();
    assert_eq!(place.desk.sessions().member(&id, now), None);
    let place = place.restart().await;
    assert_eq!(place.desk.sessions().member(&id, now), None);
}

#[tokio::test]
async fn where_a_node_was_outlives_a_restart() {
    let mut place = Place::new().await;
    let other = Node {
        id: NodeId::new(0),
        parent: Some(NodeId::new(2)),
        kind: NodeKind::Institution,
        names: names("other"),
        enterprise: false,
        place: None,
        version: 1,
    };
    let added = place.desk.edit(RegistryEdit::AddNode(other)).await.unwrap();
    let RegistryOutcome::Done(other) = added else {
        panic!("expected a node, got {added:?}")
    };
    let before = place.clock.now();
    place.hand.advance(10);
    let mut lab = place.desk.directory().nodes[&NodeId::new(4)].clone();
    lab.parent = Some(NodeId::new(other));
    lab.version += 1;
    let by = MemberId::new(1);
    let moved = RegistryEdit::ReplaceNode(lab.clone(), by);
    assert_eq!(
        place.desk.edit(moved).await.unwrap(),
        RegistryOutcome::Done(2)
    );
    let mut astray = lab.clone();
    astray.parent = Some(NodeId::new(1));
    astray.version += 1;
    let astray = place.desk.edit(RegistryEdit::ReplaceNode(astray, by)).await;
    assert_eq!(astray.unwrap(), RegistryOutcome::NotFound);
    for _ in 0..2 {
        let directory = place.desk.directory();
        let above = |at| directory.ancestors_at(lab.id, at).map(|node| node.id.get());
        assert_eq!(above(before).collect::<Vec<_>>(), [4, 3, 2, 1]);
        let now = place.clock.now();
        assert_eq!(above(now).collect::<Vec<_>>(), [4, other, 2, 1]);
        assert_eq!(directory.node_moves.len(), 1);
        place = place.restart().await;
    }
}
