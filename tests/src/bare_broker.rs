//! The limit of the embedded broker: the same broker as a library, whose hook only counts.

use std::io::Read as _;
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, Register, ReturnType, Type};
use rmqtt::net::Builder;
use rmqtt::server::MqttServer;
use rmqtt::types::PublishAclResult;
use serde_json::json;
use tokio::task::JoinSet;

use crate::process::Process;

/// The word that makes a program this broker and nothing else.
pub const FLAG: &str = "--bare-broker";

/// A running broker in a process of its own.
pub struct BareBroker {
    process: Process,
    /// Where it listens.
    pub url: String,
}

impl BareBroker {
    /// Starts the running program once more, with [`FLAG`].
    ///
    /// # Panics
    /// When it does not say where it listens.
    pub async fn start(dir: &Path) -> Self {
        let myself = std::env::current_exe().expect("a running program knows its path");
        let mut command = std::process::Command::new(myself);
        command.arg(FLAG).stdin(Stdio::piped());
        let mut process = Process::start("bare-broker", dir, &mut command);
        let said = process.json_line(Duration::from_secs(10)).await;
        let url = format!("mqtt://127.0.0.1:{}", said["port"]);
        Self { process, url }
    }

    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

struct Counter(Arc<AtomicU64>);

#[async_trait]
#[expect(elided_lifetimes_in_paths, reason = "the trait elides it")]
impl Handler for Counter {
    async fn hook(&self, parameter: &Parameter, before: Option<HookResult>) -> ReturnType {
        if !matches!(parameter, Parameter::MessagePublishCheckAcl(..)) {
            return (true, before);
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        let answer = HookResult::PublishAclResult(PublishAclResult::allow());
        (false, Some(answer))
    }
}

/// Is the broker until standard input ends; prints its port first.
///
/// # Panics
/// When it cannot listen.
pub async fn run() {
    let context = ServerContext::new().busy_check_enable(false).build().await;
    let counted = Arc::new(AtomicU64::new(0));
    let register: Box<dyn Register> = context.extends.hook_mgr().register();
    let counter = Box::new(Counter(Arc::clone(&counted)));
    register.add(Type::MessagePublishCheckAcl, counter).await;
    register.start().await;
    let listener = Builder::new()
        .name("bare")
        .laddr(([127, 0, 0, 1], 0).into())
        .nodelay(true)
        .max_connections(20_000)
        .max_inflight(NonZeroU16::new(1_000).expect("the constant is not zero"))
        .max_mqueue_len(100_000)
        .bind()
        .and_then(rmqtt::net::Listener::tcp)
        .expect("a free port can be had");
    let address = listener.local_addr().expect("a listener has an address");
    println!("{}", json!({ "port": address.port() }));
    let mut end = JoinSet::new();
    end.spawn_blocking(|| std::io::stdin().read(&mut [0; 1]).unwrap_or(0));
    let server = MqttServer::new(context).listener(listener).build();
    tokio::select! {
        ended = server.run() => ended.expect("the broker runs"),
        _ = end.join_next() => {}
    }
    eprintln!("counted {}", counted.load(Ordering::Relaxed));
}
