//! The peers themselves: a failure here says that the bench is broken, not the product.

use serde_json::json;
use tests::modbus::Meter;
use tests::mosquitto::Mosquitto;
use tests::postgres::Postgres;

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
