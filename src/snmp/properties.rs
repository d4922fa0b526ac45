//! What holds for every view and every datagram.

use proptest::prelude::*;

use super::known_answers::{Agent, read, request};
use crate::mib::{Ranges, Value};

/// All names of the view, by asking the view itself.
fn names(agent: &Agent) -> Vec<String> {
    let ranges = Ranges::all();
    let mut names = Vec::new();
    let mut cursor = agent.view.next(&[], &ranges);
    while let Some(mut at) = cursor {
        let arcs = crate::mib::oid::arcs_of_key(at.entry().key());
        names.push(crate::mib::Oid::from_static(&arcs).to_string());
        cursor = at.advance(&ranges).then_some(at);
    }
    names
}

#[test]
fn a_walk_by_getnext_is_the_view() {
    let mut agent = Agent::new();
    let (mut at, mut walked) = ("0.0".to_owned(), Vec::new());
    loop {
        let answer = agent.send(&request(1, b"public", 0xa1, 1, 0, 0, &[(&at, None)]), true).expect("an answer");
        let (name, value) = read(&answer).binds.remove(0);
        if value[0] == 0x82 {
            break;
        }
        walked.push(name.clone());
        at = name;
    }
    assert_eq!(walked, names(&agent));
}

#[test]
fn what_a_view_excludes_is_never_the_next() {
    let mut agent = Agent::new();
    let answer = agent.send(&request(1, b"part", 0xa5, 1, 0, 500, &[("0.0", None)]), true).expect("an answer");
    let names: Vec<String> = read(&answer).binds.into_iter().map(|(name, _)| name).collect();
    assert!(names.len() > 12, "{names:?}");
    let hidden = |name: &String| name.starts_with("1.3.6.1.2.1.1.4.") || name.starts_with("1.3.6.1.2.1.1.6.");
    assert!(!names.iter().any(|name| !name.starts_with("1.3.6.1.2.1.1.") || hidden(name)), "{names:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_by_getbulk_is_the_view(repetitions in 1_i64..120, max_response in 200_usize..3_000) {
        let mut agent = Agent::new();
        // sysDescr has 200 octets: below, it would never fit.
        agent.max_response = max_response + 200;
        let (mut at, mut walked) = ("0.0".to_owned(), Vec::new());
        'walk: loop {
            let bulk = request(1, b"public", 0xa5, 1, 0, repetitions, &[(&at, None)]);
            let answer = agent.send(&bulk, true).expect("an answer");
            prop_assert!(answer.len() <= agent.max_response);
            for (name, value) in read(&answer).binds {
                if value[0] == 0x82 {
                    break 'walk;
                }
                walked.push(name.clone());
                at = name;
            }
        }
        prop_assert_eq!(walked, names(&agent));
    }

    #[test]
    fn no_octets_are_too_odd(octets in any::<Vec<u8>>(), place in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let mut agent = Agent::new();
        agent.send(&octets, true);
        let text = Value::OctetString(b"x".to_vec());
        for tag in [0xa0, 0xa1, 0xa3, 0xa5] {
            let name = "1.3.6.1.2.1.1.5.0";
            let mut changed = request(1, b"private", tag, 1, 0, 9, &[(name, Some(text.clone())), ("1.3", None)]);
            let place = place.index(changed.len());
            changed[place] = octet;
            agent.send(&changed, true);
            changed.truncate(place);
            agent.send(&changed, true);
        }
    }

    #[test]
    fn no_answer_is_larger_than_it_may_be(
        version in 0_u8..2,
        tag in prop::sample::select(vec![0xa0_u8, 0xa1, 0xa5]),
        count in 0_usize..60,
        max_response in 40_usize..2_000,
    ) {
        let mut agent = Agent::new();
        agent.max_response = max_response;
        let binds = vec![("1.3.6.1.2.1.1.1.0", None); count];
        if let Some(answer) = agent.send(&request(version, b"public", tag, 1, 1, 20, &binds), true) {
            prop_assert!(answer.len() <= max_response);
        }
    }

    #[test]
    fn a_set_that_fails_changes_nothing(values in prop::collection::vec((4_u32..8, any::<Option<Vec<u8>>>()), 1..5)) {
        let mut agent = Agent::new();
        let before = agent.settings.clone();
        let names: Vec<String> = values.iter().map(|(object, _)| format!("1.3.6.1.2.1.1.{object}.0")).collect();
        let binds: Vec<_> = names
            .iter()
            .zip(values)
            .map(|(name, (_, value))| (name.as_str(), value.map(Value::OctetString)))
            .collect();
        let answer = read(&agent.send(&request(1, b"private", 0xa3, 1, 0, 0, &binds), true).expect("an answer"));
        prop_assert!(answer.status == 0 || agent.settings == before);
    }
}
