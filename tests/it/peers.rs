//! The peers themselves: a failure here says that the bench is broken, not the product.

use std::time::Duration;

use serde_json::json;
use tests::disk::Disk;
use tests::modbus::Meter;
use tests::mosquitto::Mosquitto;
use tests::postgres::Postgres;
use tests::process::through;
use tests::publisher::Publisher;
use tests::speaker::Speaker;
use tests::wait;

#[tokio::test]
async fn the_meter_takes_commands_and_keeps_its_port() {
    let dir = tempfile::tempdir().unwrap();
    let mut meter = Meter::start(dir.path(), 128).await;
    meter.set_float(12, 283.5).await;
    meter.tell(json!({ "listen": false })).await;
    assert!(std::net::TcpStream::connect(&meter.address).is_err());
    meter.tell(json!({ "listen": true })).await;
    assert!(std::net::TcpStream::connect(&meter.address).is_ok());
    assert_eq!(meter.report().await["replay"], "none");
}

#[tokio::test]
async fn mosquitto_comes_back_on_its_port() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::start(dir.path(), &[("lab-001", "secret")]).await;
    let url = broker.url();
    broker.kill();
    assert!(std::net::TcpStream::connect(("127.0.0.1", broker.port())).is_err());
    broker.restart().await;
    assert_eq!(broker.url(), url);
}

#[tokio::test]
async fn postgres_makes_databases() {
    let dir = tempfile::tempdir().unwrap();
    let server = Postgres::start(dir.path()).await;
    assert_ne!(server.database("one"), server.database("two"));
}

#[test]
fn the_speaker_speaks_the_wire() {
    let mut speaker = Speaker::new("lab-001");
    let batch = speaker.readings("NM-00001", &[("power_w", 283.5), ("voltage_v", 230.1)]);
    let batch = wire::decode_batch(batch.to_string().as_bytes()).unwrap();
    assert_eq!(batch.seq, 1);
    wire::decode_hello(speaker.hello().to_string().as_bytes()).unwrap();
    wire::decode_status(speaker.online().to_string().as_bytes()).unwrap();
}

#[tokio::test]
async fn mosquitto_knows_who_may_speak() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start(dir.path(), &[("lab-001", "secret")]).await;
    assert!(
        Publisher::connect(&broker.url(), "lab-001", "wrong")
            .await
            .is_err()
    );
    let mut agent = Publisher::connect(&broker.url(), "lab-001", "secret")
        .await
        .unwrap();
    let (name, password) = Mosquitto::observer();
    let observer = Publisher::connect(&broker.url(), name, password)
        .await
        .unwrap();
    observer.subscribe("ortoo/v1/#").await;
    agent
        .send("ortoo/v1/lab-002/up/status", "not its own")
        .await;
    // This broker ends the session of who speaks for others, with an answer before that or without.
    drop(agent.settled().await);
    agent.send("ortoo/v1/lab-001/up/status", "its own").await;
    if agent.settled().await.is_err() {
        agent = Publisher::connect(&broker.url(), "lab-001", "secret")
            .await
            .unwrap();
        agent.send("ortoo/v1/lab-001/up/status", "its own").await;
        agent.settled().await.unwrap();
    }
    let heard = wait::until("a message", Duration::from_secs(5), async || {
        let heard = observer.messages();
        if heard.is_empty() {
            Err("none".to_owned())
        } else {
            Ok(heard)
        }
    })
    .await;
    assert_eq!(
        heard,
        [("ortoo/v1/lab-001/up/status".to_owned(), b"its own".to_vec())]
    );
}

#[tokio::test]
async fn a_disk_is_full_only_inside() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::mount(dir.path(), "2m").await;
    let inside = |script: &str| {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(disk.inside());
        through(&disk.entrance(), shell).status().unwrap().success()
    };
    disk.fill();
    assert!(inside("test -e $1/filler && ! echo x > $1/x"));
    disk.make_room();
    assert!(inside("echo x > $1/x"));
    assert_eq!(
        std::fs::read_dir(disk.inside()).unwrap().count(),
        0,
        "the mount leaked"
    );
}
