//! Places at the live stream: so many in all, so many for one caller.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use scheduler::id::MemberId;

use super::caller::Caller;
use super::problem::Problem;
use crate::words::Said;

/// Streams at once. Full means: the next one is answered `not-ready` and polls instead.
const STREAMS_MAX: usize = 4_096;

/// Streams of one caller, for a handful of tabs and screens. A whole institute may come from one
/// address, so strangers of one address together have more.
const STREAMS_OF_MEMBER_MAX: usize = 20;
const STREAMS_OF_ADDRESS_MAX: usize = 500;

/// Streams that are open.
#[derive(Debug, Default)]
pub struct Seats(Mutex<Taken>);

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
    /// Takes a place.
    ///
    /// # Errors
    /// Returns `not-ready` when all are taken, `too-many-requests` when the caller has its share.
    pub fn take(self: &Arc<Self>, caller: Caller) -> Result<Seat, Problem> {
        let (key, most) = match caller.member() {
            Some(member) => (Key::Member(member), STREAMS_OF_MEMBER_MAX),
            None => (Key::Address(caller.address), STREAMS_OF_ADDRESS_MAX),
        };
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= STREAMS_MAX {
            let reason = Said::fixed("实时连接已满", "all places at the live stream are taken");
            return Err(Problem::not_ready(reason, 30));
        }
        let held = taken.by_caller.entry(key).or_default();
        if *held >= most {
            return Err(Problem::too_many(30));
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    #[test]
    fn one_caller_cannot_take_all_places_and_gives_them_back() {
        let caller = |member| Caller {
            who: Some((MemberId::new(member), Via::Token { read_only: false })),
            credential: None,
            language: Language::Zh,
            now: scheduler::time::Micros::new(0),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            request: RequestId { run: 0, number: 0 },
        };
        let seats = Arc::new(Seats::default());
        let mut held: Vec<Seat> = (0..STREAMS_OF_MEMBER_MAX)
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
}
