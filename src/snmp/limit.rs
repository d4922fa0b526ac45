//! How often a source may have something: Reports, notices of refusal, or, where configured, answers at all.
//!
//! A bucket for each source, and if wanted one for all of them together, in a fixed number of places: nothing here grows
//! with what arrives, and every question takes the same few steps. The time is told, as everything in the engine.
//!
//! What is kept of a source is one number, the time at which its bucket is full again; a source that isn't kept is one
//! whose bucket is full. Where all the places that a source may have belong to others, it takes over the place that is
//! full again first, together with what is missing in that bucket. So no source ever gets more than its burst and its
//! rate, also one that is pushed out and comes back.
//!
//! What a flood of made-up sources can do: it uses up the common bucket, and past some hundreds of sources a second it
//! makes those that share places share their buckets. Others then miss what is limited, a Report or a notice, as long as
//! the flood lasts; they lose nothing that isn't limited, memory stays as it is, and after the flood all is as before
//! within the time in which a bucket fills. Where a source's places are is secret, so that nobody can aim at one.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many sets of places there are, each chosen by one octet: with four places each, 1,024 sources at once, in 32 KB.
const SETS: usize = 256;
/// How many places a source may have.
const PLACES: usize = 4;

/// So many a second, and so many at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// In the long run; 0 counts as 1.
    pub per_second: u32,
    /// At once; 0 counts as 1.
    pub burst: u32,
}

/// A bucket, without how full it is. Times in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// How long one takes to come back: rounded up, so that the rate is never exceeded.
    interval: u64,
    /// How long an empty bucket takes to be full.
    depth: u64,
}

/// A source, and when its bucket is full again. A place that nobody has is one of source 0, full since the beginning.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    source: u128,
    full_at: u64,
}

#[derive(Debug)]
struct State {
    sets: Box<[[Place; PLACES]]>,
    all_full_at: u64,
}

/// Says who has had enough.
#[derive(Debug)]
pub struct Limiter {
    each: Bucket,
    all: Option<Bucket>,
    key: RandomState,
    /// Held for a few steps only.
    state: Mutex<State>,
}

impl Limiter {
    /// Limits each source, and all together where given. `key` hides where sources are kept; it is made anew for each
    /// process.
    pub fn new(each: Allowance, all: Option<Allowance>, key: RandomState) -> Limiter {
        let sets = vec![[Place::default(); PLACES]; SETS].into_boxed_slice();
        Limiter {
            each: Bucket::new(each),
            all: all.map(Bucket::new),
            key,
            state: Mutex::new(State { sets, all_full_at: 0 }),
        }
    }

    /// Whether the source may have one more at this time, which then counts. `now` is the time since any fixed moment.
    pub fn allow(&self, source: IpAddr, now: Duration) -> bool {
        let source = number(source);
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let [chosen, ..] = self.key.hash_one(source).to_le_bytes();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { sets, all_full_at } = &mut *state;
        let Some(set) = sets.get_mut(usize::from(chosen)) else { return false };
        // Its own place, or else the one that is full again first.
        let own = set.iter().position(|place| place.source == source);
        let place = match own {
            Some(own) => set.get_mut(own),
            None => set.iter_mut().min_by_key(|place| place.full_at),
        };
        let Some(place) = place else { return false };
        let Some(full_at) = self.each.take(place.full_at, now) else { return false };
        if let Some(all) = self.all {
            let Some(full_at) = all.take(*all_full_at, now) else { return false };
            *all_full_at = full_at;
        }
        *place = Place { source, full_at };
        true
    }
}

impl Bucket {
    fn new(allowance: Allowance) -> Bucket {
        let interval = 1_000_000_000_u64.div_ceil(u64::from(allowance.per_second.max(1)));
        Bucket { interval, depth: interval.saturating_mul(u64::from(allowance.burst.max(1))) }
    }

    /// When a bucket that is full at `full_at` is full again once one is taken; nothing if there is none to take.
    fn take(self, full_at: u64, now: u64) -> Option<u64> {
        let after = full_at.max(now).saturating_add(self.interval);
        (after.saturating_sub(now) <= self.depth).then_some(after)
    }
}

/// Sources that count as one have one number: of IPv6 the network of 64 bits, as a host has all of its addresses.
/// Nobody has 0.
fn number(source: IpAddr) -> u128 {
    match source.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        // The last bit, which is never set otherwise, sets `::` apart from nobody.
        IpAddr::V6(address) => u128::from(Ipv6Addr::from(u128::from(address) >> 64 << 64)) | 1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn limiter(per_second: u32, burst: u32) -> Limiter {
        Limiter::new(Allowance { per_second, burst }, None, RandomState::new())
    }

    fn v4(number: u32) -> IpAddr {
        Ipv4Addr::from(number).into()
    }

    #[test]
    fn a_bucket_empties_and_fills() {
        let limiter = limiter(10, 3);
        let at = Duration::from_millis;
        let asked =
            [1000, 1000, 1000, 1000, 1099, 1100, 1100, 5000, 5000, 5000, 5000].map(|ms| limiter.allow(v4(1), at(ms)));
        assert_eq!(asked, [true, true, true, false, false, true, false, true, true, true, false]);
        assert!(limiter.allow(v4(2), at(1000)), "another source has its own, also where time went back");
    }

    #[test]
    fn a_host_with_many_addresses_is_one_source() {
        let limiter = limiter(1, 1);
        let ask = |text: &str| limiter.allow(text.parse().expect("an address"), Duration::from_secs(9));
        assert!(ask("2001:db8::1"));
        assert!(!ask("2001:db8::ffff:2"));
        assert!(ask("2001:db8:0:1::1"));
        assert!(ask("192.0.2.1"));
        assert!(!ask("::ffff:192.0.2.1"));
        assert!(ask("::"));
    }

    #[test]
    fn a_flood_of_sources_ends_at_the_common_bucket_and_leaves_nothing_behind() {
        let each = Allowance { per_second: 10, burst: 10 };
        let all = Allowance { per_second: 100, burst: 200 };
        let limiter = Limiter::new(each, Some(all), RandomState::new());
        let start = Duration::from_secs(1);
        let allowed = (0..100_000).filter(|&number| limiter.allow(v4(number), start)).count();
        assert_eq!(allowed, 200);
        assert!(!limiter.allow(v4(7_000_000), start));
        let later = start + Duration::from_secs(3);
        assert!((0..10).all(|_| limiter.allow(v4(7_000_000), later)), "a bucket that is full again");
    }

    #[test]
    fn without_a_common_bucket_a_flood_gets_no_more_than_the_places_hold() {
        let limiter = limiter(1, 5);
        let allowed = (0..100_000).filter(|&number| limiter.allow(v4(number), Duration::from_secs(1))).count();
        assert!(allowed <= SETS * PLACES * 5, "{allowed}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn no_source_gets_more_than_its_burst_and_its_rate(
            per_second in 1_u32..50,
            burst in 1_u32..20,
            // Far more sources than places, so that they push each other out, and a few that come back often.
            asks in prop::collection::vec((prop_oneof![0_u32..4, 0_u32..20_000], 0_u64..3_000_000), 1..4_000),
        ) {
            let limiter = limiter(per_second, burst);
            let start = Duration::from_secs(1);
            let mut now = start;
            let mut allowed: HashMap<u32, u64> = HashMap::new();
            for (source, pause) in asks {
                now += Duration::from_nanos(pause);
                if limiter.allow(v4(source), now) {
                    let count = allowed.entry(source).or_default();
                    *count += 1;
                    let most = f64::from(burst) + f64::from(per_second) * (now - start).as_secs_f64();
                    prop_assert!(*count as f64 <= most, "{} of {most}", *count);
                }
            }
        }
    }
}
