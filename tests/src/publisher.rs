//! An MQTT client that says whatever a test wants, well-formed or not, under an agent's name.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use tokio::task::JoinSet;

use crate::wait;

/// Larger than any message a test sends, so that the limits tested are the gateway's.
const PACKET_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A broker answers within this time.
const ANSWER: Duration = Duration::from_secs(10);

/// What a session has heard.
#[derive(Debug, Default)]
struct Heard {
    connected: bool,
    subscribed: bool,
    pubacks: usize,
    messages: Vec<(String, Vec<u8>)>,
    error: Option<String>,
}

/// A session. It does not connect again: when the broker closes it, that is what a test sees.
pub struct Publisher {
    client: AsyncClient,
    heard: Arc<Mutex<Heard>>,
    sent: usize,
    /// Owns the task that drives the session; dropping it ends the session without a word.
    _driver: JoinSet<()>,
}

impl Publisher {
    /// Connects to `url` (`mqtt://host:port`) as an agent does, with its name as client id.
    ///
    /// # Errors
    /// Returns the broker's refusal.
    pub async fn connect(url: &str, name: &str, secret: &str) -> Result<Self, String> {
        let (host, port) = host_and_port(url);
        let mut options = MqttOptions::new(name, host, port);
        options.set_credentials(name, secret);
        options.set_keep_alive(Duration::from_secs(30));
        options.set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
        let (client, mut session) = AsyncClient::new(options, 1024);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let listener = Arc::clone(&heard);
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            loop {
                let event = session.poll().await;
                let mut heard = listener
                    .lock()
                    .expect("nobody panics while holding this lock");
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => heard.connected = true,
                    Ok(Event::Incoming(Packet::SubAck(_))) => heard.subscribed = true,
                    Ok(Event::Incoming(Packet::PubAck(_))) => heard.pubacks += 1,
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        heard
                            .messages
                            .push((message.topic, message.payload.to_vec()));
                    }
                    Ok(_) => {}
                    Err(error) => {
                        heard.error = Some(error.to_string());
                        return;
                    }
                }
            }
        });
        let publisher = Self {
            client,
            heard,
            sent: 0,
            _driver: driver,
        };
        wait::until("an answer to CONNECT", ANSWER, async || {
            publisher.look(|heard| match (heard.connected, &heard.error) {
                (true, _) => Ok(Ok(())),
                (false, Some(error)) => Ok(Err(error.clone())),
                (false, None) => Err("silence".to_owned()),
            })
        })
        .await?;
        Ok(publisher)
    }

    /// Subscribes and waits for the answer.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub async fn subscribe(&self, filter: &str) {
        self.client
            .subscribe(filter, QoS::AtLeastOnce)
            .await
            .expect("the session is driven");
        wait::until("an answer to SUBSCRIBE", ANSWER, async || {
            self.look(|heard| {
                if heard.subscribed {
                    Ok(())
                } else {
                    Err(format!("{heard:?}"))
                }
            })
        })
        .await;
    }

    /// Publishes at QoS 1 without waiting for the answer. When the session has ended nothing is
    /// sent; [`Publisher::settled`] tells.
    pub async fn send(&mut self, topic: &str, payload: impl Into<Vec<u8>>) {
        self.sent += 1;
        drop(
            self.client
                .publish(topic, QoS::AtLeastOnce, false, payload)
                .await,
        );
    }

    /// Waits until the broker has answered everything sent, or has closed the session.
    ///
    /// # Errors
    /// Returns why the session ended.
    pub async fn settled(&self) -> Result<(), String> {
        wait::until("the broker's answers", ANSWER, async || {
            self.look(|heard| match &heard.error {
                _ if heard.pubacks >= self.sent => Ok(Ok(())),
                Some(error) => Ok(Err(error.clone())),
                None => Err(format!("{} of {} answered", heard.pubacks, self.sent)),
            })
        })
        .await
    }

    /// Returns why the session has ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<String> {
        self.look(|heard| heard.error.clone())
    }

    /// Returns the messages received so far.
    #[must_use]
    pub fn messages(&self) -> Vec<(String, Vec<u8>)> {
        self.look(|heard| heard.messages.clone())
    }

    fn look<T>(&self, read: impl FnOnce(&Heard) -> T) -> T {
        read(
            &self
                .heard
                .lock()
                .expect("nobody panics while holding this lock"),
        )
    }
}

/// Splits `mqtt://host:port`.
///
/// # Panics
/// When the address has another form.
#[must_use]
pub fn host_and_port(url: &str) -> (String, u16) {
    let parts = url
        .strip_prefix("mqtt://")
        .and_then(|rest| rest.rsplit_once(':'));
    let (host, port) = parts.unwrap_or_else(|| panic!("{url} is not mqtt://host:port"));
    (host.to_owned(), port.parse().expect("a port is a number"))
}
