//! URLs of brokers, and what is done while one is away.

use super::pauses::{DRAINED_AFTER, LEFT_ALONE};
use super::*;

#[test]
fn attempts_come_further_and_further_apart_until_one_works() {
    let mut retry = Retry::default();
    let mut seconds = |was_up| retry.after(was_up).as_secs();
    let apart: Vec<u64> = (0..8).map(|_| seconds(false)).collect();
    assert_eq!(apart, [1, 2, 4, 8, 16, 30, 30, 30]);
    assert!((0..100).all(|_| seconds(false) == 30));
    assert_eq!([seconds(true), seconds(false)], [1, 2]);
}

#[test]
fn what_comes_soon_after_a_kept_session_goes_on_may_be_as_old_as_it_was_left_alone() {
    let left = Instant::now();
    let now = left + Duration::from_hours(2);
    let kept = Kept::since(Some(left), now);
    let last = now + DRAINED_AFTER;
    assert_eq!(kept.at(now), Duration::from_hours(2));
    assert_eq!(
        kept.at(last - Duration::from_millis(1)),
        Duration::from_hours(2)
    );
    assert_eq!(kept.at(last), Duration::ZERO);
    assert_eq!(Kept::since(None, now).at(now), LEFT_ALONE);
    assert_eq!(Kept::default().at(now), Duration::ZERO, "a new session");
}

#[tokio::test]
async fn a_refused_subscription_is_seen_in_readiness_if_it_is_the_agents() {
    let external = away(SharedDirectory::default());
    external.is_sending.store(true, Ordering::Relaxed);
    let (client, _events) = AsyncClient::new(external.broker.options("test"), 16);
    let answer = |packet, code| SubAck::new(packet, vec![code]);
    let good = SubscribeReasonCode::Success(QoS::AtLeastOnce);
    for code in [SubscribeReasonCode::Failure, good] {
        external.foreign.begin(client.clone(), &Topic::all_up());
        external.foreign.asked(3);
        external.hear_answer(&answer(9, SubscribeReasonCode::Failure));
        assert!(external.trouble().is_some(), "another's answer is none");
        external.hear_answer(&answer(3, code));
        let trouble = external.trouble();
        assert_eq!(trouble.is_none(), code == good, "{trouble:?}");
    }
}

fn away(directory: SharedDirectory) -> External {
    External {
        broker: Broker::parse("mqtt://gw:secret@127.0.0.1:9").unwrap(),
        sender: Mutex::new(None),
        foreign: ForeignFilters::new(directory),
        is_ingesting: AtomicBool::new(false),
        is_refused: AtomicBool::new(false),
        is_sending: AtomicBool::new(false),
        is_told: AtomicBool::new(false),
    }
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_told_once_and_seen_in_readiness() {
    let external = away(SharedDirectory::default());
    let end = || {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        End::Connection(Box::new(ConnectionError::Io(refused)))
    };
    external.tell_end("ingest", &End::Full);
    assert!(!external.is_told.load(Ordering::Relaxed));
    external.tell_end("ingest", &end());
    assert!(external.is_told.load(Ordering::Relaxed));
    let trouble = external.trouble().unwrap();
    assert!(
        trouble.contains("127.0.0.1:9") && !trouble.contains("secret"),
        "{trouble}"
    );
    external.is_ingesting.store(true, Ordering::Relaxed);
    external.tell_up();
    assert!(
        external.is_told.load(Ordering::Relaxed),
        "acks do not go out yet"
    );
    external.is_sending.store(true, Ordering::Relaxed);
    external.tell_up();
    assert!(!external.is_told.load(Ordering::Relaxed));
    assert_eq!(external.trouble(), None);
}

#[test]
fn urls_are_read_with_and_without_their_parts() {
    let broker = |host: &str, port, user: &str, password: &str| {
        Some(Broker {
            host: host.to_owned(),
            port,
            user: user.to_owned(),
            password: password.to_owned(),
        })
    };
    for (url, expected) in [
        (
            "mqtt://gw:s%40cret@broker:1884",
            broker("broker", 1884, "gw", "s@cret"),
        ),
        ("mqtt://a@b:c@h/", broker("h", 1883, "a@b", "c")),
        ("mqtt://[::1]:99", broker("::1", 99, "", "")),
        ("mqtt://[::1]", broker("::1", 1883, "", "")),
        ("mqtts://h", None),
        ("mqtt://u:p@", None),
        ("mqtt://u:%zz@h", None),
    ] {
        assert_eq!(Broker::parse(url), expected, "{url}");
    }
}
