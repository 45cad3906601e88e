//! The end of a publisher: keep, send what can be sent, say goodbye.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::{Link, Publisher, next_news};

/// At the end: for the last commit, for the last acks, and for the last word to the broker.
const DRAIN_MAX: Duration = Duration::from_secs(4);
const GOODBYE_MAX: Duration = Duration::from_secs(2);

impl Publisher {
    /// The end: what is recorded is safe on disk, what can be sent is sent, the status is offline.
    pub(super) async fn drain(mut self) {
        let deadline = Instant::now() + DRAIN_MAX;
        self.commit().await;
        while self.is_refused && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(200)).await;
            self.commit().await;
        }
        self.pump().await;
        while matches!(&self.link, Link::Up { session, .. } if session.is_ready())
            && !self.window.is_empty()
        {
            let Ok(news) = timeout_at(deadline, next_news(&mut self.link)).await else {
                break;
            };
            self.hear(news).await;
            self.pump().await;
        }
        if self.outbox.needs_commit() {
            self.commit().await;
        }
        self.say_goodbye().await;
        self.outbox.close().await;
    }

    /// Ends the connection, if there is one, when the broker has taken the last word.
    async fn say_goodbye(&mut self) {
        self.say_online(false);
        let deadline = Instant::now() + GOODBYE_MAX;
        while matches!(&self.link, Link::Up { session, .. } if session.is_ready() && !session.is_settled())
        {
            let Ok(news) = timeout_at(deadline, next_news(&mut self.link)).await else {
                break;
            };
            self.hear(news).await;
        }
        let now = Instant::now();
        let link = std::mem::replace(&mut self.link, Link::Down { retry_at: now });
        if let Link::Up { session, .. } = link {
            session.disconnect(GOODBYE_MAX).await;
        }
    }
}
