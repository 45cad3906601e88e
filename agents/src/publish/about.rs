//! What an agent is, for the hello message.

use std::time::Duration;

use tokio::sync::watch;
use wire::DeviceInfo;

use super::session::Way;
use crate::config::Backfill;

/// What the hello message says beside the outbox.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) agent: wire::AgentName,
    pub(crate) way: Way,
    pub(crate) devices: Vec<DeviceInfo>,
    pub(crate) report_every: Duration,
    pub(crate) backfill: Backfill,
    /// Not less than the number of connects that earlier runs made in this boot: a status with a
    /// lower number is taken for a late one. The milliseconds since the boot are such a number.
    pub(crate) connects_before: u64,
}

/// Waits for other devices; for ever if they cannot change.
pub(super) async fn next_devices(
    changes: &mut Option<watch::Receiver<Vec<DeviceInfo>>>,
) -> Vec<DeviceInfo> {
    if let Some(receiver) = changes
        && receiver.changed().await.is_ok()
    {
        return receiver.borrow_and_update().clone();
    }
    // Whoever told of changes is gone: there are no more.
    std::future::pending().await
}
