//! URLs of brokers, and what is done while one is away.

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

#[tokio::test]
async fn a_broker_that_is_not_there_is_told_once_and_seen_in_readiness() {
    let external = External {
        broker: Broker::parse("mqtt://gw:secret@127.0.0.1:9").unwrap(),
        sender: Mutex::new(None),
        foreign: ForeignFilters::new(SharedDirectory::default()),
        is_ingesting: AtomicBool::new(false),
        is_sending: AtomicBool::new(false),
        is_told: AtomicBool::new(false),
    };
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
