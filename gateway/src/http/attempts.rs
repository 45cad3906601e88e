//! How often somebody may guess at a password.
//!
//! Three limits, so that neither a login can be locked by whoever knows its name, nor one machine try
//! one password on every login, nor many machines all passwords on one. An attempt counts before the
//! password is looked at, or many at once would all pass; one that turns out right is given back.

use std::net::{IpAddr, Ipv6Addr};

use super::pace::Pace;

/// Failures a minute over all addresses that one login bears, in multiples of what one address has.
const PER_LOGIN: u32 = 6;

/// Failures a minute over all logins that one address has, in multiples of what it has at one.
const PER_ADDRESS: u32 = 4;

/// Limits on wrong passwords.
#[derive(Debug)]
pub struct Attempts {
    pairs: Pace<(String, IpAddr)>,
    logins: Pace<String>,
    addresses: Pace<IpAddr>,
}

/// An attempt that was let through and counts as failed until it is [`Attempts::forgive`]n.
#[derive(Debug)]
#[must_use]
pub struct Attempt {
    login: String,
    address: IpAddr,
}

impl Attempts {
    /// Returns limits of so many failures a minute for one login from one address, six times as many
    /// for one login and four times as many for one address; 0: no limits.
    #[must_use]
    pub fn per_minute(failures: u32) -> Self {
        Self {
            pairs: Pace::per_minute(failures),
            logins: Pace::per_minute(failures.saturating_mul(PER_LOGIN)),
            addresses: Pace::per_minute(failures.saturating_mul(PER_ADDRESS)),
        }
    }

    /// Counts an attempt at `now_us` of a clock that never goes back.
    ///
    /// # Errors
    /// Returns the whole seconds to wait; the attempt is not counted then.
    pub fn begin(&self, login: &str, address: IpAddr, now_us: i64) -> Result<Attempt, u64> {
        let attempt = Attempt {
            login: login.to_lowercase(),
            address: network_of(address),
        };
        // The address first: one machine alone can then fill none of the other tables.
        self.addresses.take(attempt.address, now_us)?;
        let pair = (attempt.login.clone(), attempt.address);
        if let Err(wait) = self.pairs.take(pair.clone(), now_us) {
            self.addresses.give_back(&attempt.address);
            return Err(wait);
        }
        if let Err(wait) = self.logins.take(attempt.login.clone(), now_us) {
            self.addresses.give_back(&attempt.address);
            self.pairs.give_back(&pair);
            return Err(wait);
        }
        Ok(attempt)
    }

    /// Forgets an attempt: its password was right.
    pub fn forgive(&self, attempt: Attempt) {
        self.addresses.give_back(&attempt.address);
        self.logins.give_back(attempt.login.as_str());
        self.pairs.give_back(&(attempt.login, attempt.address));
    }
}

/// Whoever has one IPv6 address usually has all of its /64 (RFC 6177): they count as one.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    /// How many wrong passwords in a row pass.
    fn failures(attempts: &Attempts, tries: impl Iterator<Item = (String, IpAddr)>) -> usize {
        tries
            .take_while(|(login, address)| attempts.begin(login, *address, 0).is_ok())
            .count()
    }

    #[test]
    fn one_address_locks_itself_out_and_nobody_else() {
        let attempts = Attempts::per_minute(5);
        let at_one = std::iter::repeat(("bao".to_owned(), address(1)));
        assert_eq!(failures(&attempts, at_one.take(100)), 5);
        assert!(
            attempts.begin("BAO", address(1), 0).is_err(),
            "case is no way around"
        );
        assert!(attempts.begin("bao", address(2), 0).is_ok());
    }

    #[test]
    fn neither_many_names_nor_many_addresses_are_a_way_around() {
        let attempts = Attempts::per_minute(5);
        let names = (0..100).map(|number| (format!("name-{number}"), address(1)));
        assert_eq!(failures(&attempts, names), 20);
        let machines = (2..=255).map(|last| ("bao".to_owned(), address(last)));
        assert_eq!(failures(&attempts, machines), 30);
        let attempts = Attempts::per_minute(5);
        let one_network = (0..100).map(|last| {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, last);
            ("bao".to_owned(), IpAddr::from(address))
        });
        assert_eq!(failures(&attempts, one_network), 5);
    }

    #[test]
    fn right_passwords_count_nowhere() {
        let attempts = Attempts::per_minute(5);
        for _ in 0..1_000 {
            let attempt = attempts.begin("bao", address(1), 0).unwrap();
            attempts.forgive(attempt);
        }
        let at_one = std::iter::repeat(("bao".to_owned(), address(1)));
        assert_eq!(failures(&attempts, at_one.take(100)), 5);
    }
}
