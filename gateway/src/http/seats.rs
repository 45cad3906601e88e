//! Places at what takes long, the live stream or a look through much of the past: so many in all, so
//! many for one caller.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use scheduler::id::MemberId;
use tokio::sync::mpsc;

use super::caller::Caller;
use super::problem::Problem;
use crate::history::HistoryError;
use crate::words::Said;

/// How long a part of what is served waits to be taken.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many places there are.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// At once. Full means: the next one is answered `not-ready`, with this reason.
    all: usize,
    full: (&'static str, &'static str),
    /// Of one member; more are `too-many-requests`.
    of_member: usize,
    /// Of strangers from one address together.
    of_address: usize,
    /// When it is worth to ask again, in seconds.
    again_s: u64,
}

/// Live streams: a member has a handful of tabs and screens, and a whole institute may come from one
/// address. Whoever gets none polls instead.
pub const STREAMS: Most = Most {
    all: 4_096,
    full: ("实时连接已满", "all places at the live stream are taken"),
    of_member: 20,
    of_address: 500,
    again_s: 30,
};

/// Looks through much of the past, such as the trial of a state rule: each takes up to some seconds of
/// a core and some tens of MiB. Strangers have none.
pub const LONG_READS: Most = Most {
    all: 4,
    full: (
        "正在进行的历史分析已满，请稍后再试",
        "as many looks through the past as there is room for are under way: try again shortly",
    ),
    of_member: 2,
    of_address: 0,
    again_s: 5,
};

/// Tables of readings under way: each holds some MiB until its reader has taken them.
pub const TABLES: Most = Most {
    all: 32,
    full: (
        "正在导出的数据表已满，请稍后再试",
        "as many tables as there is room for are under way: try again shortly",
    ),
    of_member: 4,
    of_address: 4,
    again_s: 10,
};

/// Places that are taken.
#[derive(Debug)]
pub struct Seats {
    most: Most,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_caller: HashMap<Key, usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Member(MemberId),
    Address(IpAddr),
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    key: Key,
}

impl Seats {
    /// Returns so many free places.
    #[must_use]
    pub fn new(most: Most) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
        })
    }

    fn locked(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place.
    ///
    /// # Errors
    /// Returns `not-ready` when all are taken, `too-many-requests` when the caller has its share.
    pub fn take(self: &Arc<Self>, caller: Caller) -> Result<Seat, Problem> {
        let (key, most) = match caller.member() {
            Some(member) => (Key::Member(member), self.most.of_member),
            None => (Key::Address(caller.address), self.most.of_address),
        };
        let mut taken = self.locked();
        if taken.all >= self.most.all {
            let (zh, en) = self.most.full;
            return Err(Problem::not_ready(Said::fixed(zh, en), self.most.again_s));
        }
        let held = taken.by_caller.entry(key).or_default();
        if *held >= most {
            return Err(Problem::too_many(self.most.again_s));
        }
        *held += 1;
        taken.all += 1;
        drop(taken);
        Ok(Seat {
            seats: Arc::clone(self),
            key,
        })
    }

    /// Returns how many are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.locked().all
    }
}

impl Seat {
    /// Does what the place was taken for to its end, though the caller goes away meanwhile: a place is
    /// free again when the work is done.
    ///
    /// # Errors
    /// Returns what the work does, and [`HistoryError::Stopped`] when it panicked.
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with one answer, which also tells of its panic"
    )]
    pub async fn read<T: Send + 'static>(
        self,
        work: impl Future<Output = Result<T, HistoryError>> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let working = tokio::spawn(async move {
            let done = work.await;
            drop(self);
            done
        });
        working.await.map_err(HistoryError::stopped)?
    }

    /// Hands on what is made until it ends, or nobody takes a part for a minute: then the place is
    /// free, and whoever comes back to it sees that something is missing.
    pub fn serve<T: Send + 'static>(
        self,
        parts: impl Stream<Item = Result<T, std::io::Error>> + Send + 'static,
    ) -> impl Stream<Item = Result<T, std::io::Error>> + Send + 'static {
        self.serve_within(PATIENCE, parts)
    }

    #[expect(clippy::disallowed_methods, reason = "it ends with its reader")]
    fn serve_within<T: Send + 'static>(
        self,
        patience: Duration,
        parts: impl Stream<Item = Result<T, std::io::Error>> + Send + 'static,
    ) -> impl Stream<Item = Result<T, std::io::Error>> + Send + 'static {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut parts = std::pin::pin!(parts);
            while let Some(part) = parts.next().await {
                let is_last = part.is_err();
                let sent = tokio::time::timeout(patience, sender.send(Some(part)));
                if !matches!(sent.await, Ok(Ok(()))) || is_last {
                    return;
                }
            }
            // Fails when its reader has gone.
            drop(tokio::time::timeout(patience, sender.send(None)).await);
            drop(self);
        });
        stream::unfold(Some(receiver), |receiver| async move {
            let mut receiver = receiver?;
            match receiver.recv().await {
                Some(Some(Ok(part))) => Some((Ok(part), Some(receiver))),
                Some(Some(Err(error))) => Some((Err(error), None)),
                Some(None) => None,
                None => {
                    let why = std::io::Error::other("it was taken too slowly");
                    Some((Err(why), None))
                }
            }
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.locked();
        taken.all = taken.all.saturating_sub(1);
        if let Some(held) = taken.by_caller.get_mut(&self.key) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                taken.by_caller.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::http::caller::Via;
    use crate::http::front::RequestId;
    use crate::http::problem::ProblemType;
    use crate::words::Language;

    fn caller(member: i64) -> Caller {
        Caller {
            who: Some((MemberId::new(member), Via::Token { read_only: false })),
            credential: None,
            language: Language::Zh,
            now: scheduler::time::Micros::new(0),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            request: RequestId { run: 0, number: 0 },
        }
    }

    #[test]
    fn one_caller_cannot_take_all_places_and_gives_them_back() {
        let seats = Seats::new(STREAMS);
        let mut held: Vec<Seat> = (0..STREAMS.of_member)
            .map(|_| seats.take(caller(1)).unwrap())
            .collect();
        let refused = seats.take(caller(1)).unwrap_err();
        assert_eq!(refused.kind(), ProblemType::TooManyRequests);
        assert!(seats.take(caller(2)).is_ok());
        held.pop();
        assert!(seats.take(caller(1)).is_ok());
        drop(held);
        assert_eq!(seats.taken(), 0);
    }

    #[tokio::test]
    async fn a_place_is_held_until_the_work_is_done_though_the_caller_has_gone() {
        let seats = Seats::new(LONG_READS);
        let seat = seats.take(caller(1)).unwrap();
        let (go_on, waits) = tokio::sync::oneshot::channel::<()>();
        let (done, is_done) = tokio::sync::oneshot::channel();
        let reading = seat.read(async move {
            waits.await.unwrap();
            done.send(()).unwrap();
            Ok(())
        });
        let begun = tokio::time::timeout(std::time::Duration::ZERO, reading);
        assert!(begun.await.is_err());
        assert_eq!(seats.taken(), 1);
        go_on.send(()).unwrap();
        is_done.await.unwrap();
        while seats.taken() > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn whoever_takes_nothing_loses_the_place_and_sees_it() {
        let seats = Seats::new(TABLES);
        let parts = || stream::iter((0..3).map(Ok::<_, std::io::Error>));
        let whole = seats.take(caller(1)).unwrap().serve(parts());
        let whole: Vec<_> = whole.map(Result::unwrap).collect().await;
        assert_eq!(whole, [0, 1, 2]);
        let seat = seats.take(caller(1)).unwrap();
        let slow = seat.serve_within(Duration::from_millis(1), parts());
        while seats.taken() > 0 {
            tokio::task::yield_now().await;
        }
        let late: Vec<_> = slow.map(Result::ok).collect().await;
        assert_eq!(late, [Some(0), None]);
    }

    #[test]
    fn a_full_house_says_why_and_when_to_come_again() {
        let seats = Seats::new(LONG_READS);
        let held: Vec<Seat> = [1, 1, 2, 2]
            .map(|one| seats.take(caller(one)).unwrap())
            .into();
        let refused = seats.take(caller(3)).unwrap_err();
        assert_eq!(refused.kind(), ProblemType::NotReady);
        drop(held);
        assert!(seats.take(caller(3)).is_ok());
    }
}
