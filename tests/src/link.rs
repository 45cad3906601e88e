//! A link that misbehaves: a TCP proxy that delays, splits, stalls, halves and cuts.
//!
//! What comes in: connections, and the fault of the moment. What goes out: the same bytes, whole
//! and in order, for as long as a connection lives: like TCP itself, a fault costs time or the
//! connection, never a byte in the middle.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Bytes taken at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Bytes of one write of a link that splits: less than the fixed header of any message.
const SPLIT_BYTES: usize = 1;

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It works.
    None,
    /// Everything arrives so much later.
    Delay(Duration),
    /// Writes of one byte.
    Split,
    /// Nothing passes, and nobody is told; it passes when the fault ends.
    BlackHole,
    /// The server's side is closed, the client's side stays open and silent until the fault ends.
    HalfOpen,
    /// Every connection is reset, new ones too.
    Reset,
}

/// Why the bytes of a connection ceased to flow.
enum End {
    Closed,
    Fault(Fault),
}

/// A running link.
pub struct Link {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    /// Ends with this value, and with it every connection.
    _tasks: JoinSet<()>,
}

impl Link {
    /// Opens a link to a server on a free port of the loopback.
    ///
    /// # Panics
    /// When the loopback has no free port.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let (fault, seen) = watch::channel(Fault::None);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(carry(client, server, seen.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            fault,
            _tasks: tasks,
        }
    }

    /// Returns where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the fault, for connections that are open too.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

/// Carries one connection to its end.
async fn carry(mut client: TcpStream, server: SocketAddr, mut fault: watch::Receiver<Fault>) {
    if *fault.borrow() == Fault::Reset {
        client.set_zero_linger().ok();
        return;
    }
    let Ok(mut far) = TcpStream::connect(server).await else {
        return;
    };
    client.set_nodelay(true).ok();
    far.set_nodelay(true).ok();
    let end = {
        let (client_in, client_out) = client.split();
        let (far_in, far_out) = far.split();
        tokio::select! {
            end = pump(client_in, far_out, fault.clone()) => end,
            end = pump(far_in, client_out, fault.clone()) => end,
        }
    };
    if let End::Fault(why) = end {
        client.set_zero_linger().ok();
        drop(far);
        if why == Fault::HalfOpen {
            // The client believes in its connection until it is told.
            fault.wait_for(|now| *now != Fault::HalfOpen).await.ok();
        }
    }
}

/// Moves bytes one way.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut fault: watch::Receiver<Fault>,
) -> End {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let now = *fault.borrow_and_update();
        match now {
            Fault::Reset | Fault::HalfOpen => return End::Fault(now),
            Fault::BlackHole => {
                if fault.changed().await.is_err() {
                    return End::Closed;
                }
                continue;
            }
            Fault::None | Fault::Delay(_) | Fault::Split => {}
        }
        let taken = tokio::select! {
            changed = fault.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return End::Closed,
            },
            taken = from.read(&mut chunk) => match taken {
                Ok(0) | Err(_) => return End::Closed,
                Ok(taken) => taken,
            },
        };
        if let Fault::Delay(late) = now {
            tokio::time::sleep(late).await; // the delay is the fault
        }
        let step = if now == Fault::Split {
            SPLIT_BYTES
        } else {
            taken
        };
        for piece in chunk[..taken].chunks(step) {
            if to.write_all(piece).await.is_err() {
                return End::Closed;
            }
        }
    }
}
