//! What the embedded broker keeps for clients that subscribe later: the gateway's own word that it is
//! there as a Sparkplug host, and nothing else. What clients ask to keep was never kept here.

use std::time::Duration;

use async_trait::async_trait;
use rmqtt::retain::RetainStorage;
use rmqtt::types::{From, Publish, Retain, TopicFilter as Filter, TopicName};

use crate::telemetry::mapping::TopicFilter;

/// A message that every subscriber of its topic gets first.
pub(super) struct Announced {
    pub(super) topic: TopicName,
    pub(super) from: From,
    pub(super) publish: Publish,
}

#[async_trait]
impl RetainStorage for Announced {
    fn enable(&self) -> bool {
        true
    }

    async fn set(&self, _: &TopicName, _: Retain, _: Option<Duration>) -> rmqtt::Result<()> {
        Ok(())
    }

    async fn get(&self, filter: &Filter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        let matches = TopicFilter::parse(filter).is_ok_and(|own| own.matches(&self.topic));
        let retain = || Retain {
            msg_id: None,
            from: self.from.clone(),
            publish: self.publish.clone(),
        };
        let kept = matches.then(|| (self.topic.clone(), retain()));
        Ok(kept.into_iter().collect())
    }

    async fn count(&self) -> isize {
        1
    }

    async fn max(&self) -> isize {
        1
    }
}
