//! Tests of device servers that end connections, while they are asked and before.

use super::*;

/// A device server and the line to it.
async fn server() -> (TcpListener, Line) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = Address::parse(&format!("127.0.0.1:{port}"), None).unwrap();
    let pause = Duration::from_millis(2);
    let way = Way::RtuOverTcp(RtuOverTcp { address, pause });
    let line = Line::new(way, allow("127.0.0.1"));
    (listener, line)
}

/// A device server that passes the second request on and ends the connection; the answer goes to
/// whoever is connected by then.
async fn ends_while_it_asks(listener: TcpListener) {
    let answer = |request: &[u8]| {
        let address = u16::from_be_bytes([request[2], request[3]]);
        let unit = request[0];
        Asked { unit, address }.answer()
    };
    let mut request = [0; 8];
    let (mut first, _) = listener.accept().await.unwrap();
    first.read_exact(&mut request).await.unwrap();
    first.write_all(&answer(&request)).await.unwrap();
    first.read_exact(&mut request).await.unwrap();
    let late = answer(&request);
    drop(first);
    // The device takes its time; by then a new connection may be there, which waits to be accepted.
    sleep(2 * REST).await;
    let (mut next, _) = listener.accept().await.unwrap();
    next.write_all(&late).await.unwrap();
    while next.read_exact(&mut request).await.is_ok() {
        next.write_all(&answer(&request)).await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_comes_over_the_next_connection_is_not_taken_for_the_next_one() {
    let (listener, line) = server().await;
    let limit = 8 * REST;
    let mut tasks = JoinSet::new();
    tasks.spawn(ends_while_it_asks(listener));
    assert_eq!(line.read(1, &block(7), limit).await.unwrap(), [1007]);
    let closed = line.read(1, &block(8), limit).await;
    assert!(matches!(closed, Err(ReadError::Closed)), "{closed:?}");
    for address in 10..13 {
        let words = line.read(1, &block(address), limit).await;
        assert_eq!(words.unwrap(), [value(1, address)], "another's answer");
    }
}

#[tokio::test]
async fn a_device_server_that_ended_an_idle_connection_is_asked_over_a_new_one() {
    let (listener, line) = server().await;
    let (ended, mut ends) = tokio::sync::mpsc::channel(1);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut request = [0; 8];
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut request).await.unwrap();
            let address = u16::from_be_bytes([request[2], request[3]]);
            let asked = Asked { unit: 1, address };
            stream.write_all(&asked.answer()).await.unwrap();
            stream.shutdown().await.unwrap();
            ended.send(()).await.unwrap();
        }
    });
    for address in 0..3 {
        let words = line.read(1, &block(address), LONG).await;
        assert_eq!(words.unwrap(), [value(1, address)]);
        ends.recv().await.unwrap();
    }
}
