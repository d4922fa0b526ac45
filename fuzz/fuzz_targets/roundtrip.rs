//! Decode, encode, decode again, with rasn as the judge: what the engine answers to a request in the shortest forms is
//! read by rasn, which writes the same octets.
//!
//! A request in other forms, which RFC 3417 asks to take, is echoed as it came where RFC 3416 has it echoed: there our
//! own reading must do.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use rasn_snmp::{v1, v2, v2c};
use vitalsd::mib::Key;
use vitalsd::mib::oid::arcs_of_key;
use vitalsd::snmp::wire;
use vitalsd_fuzz::Agent;
use vitalsd_fuzz::message::message;

thread_local!(static AGENT: RefCell<Agent> = RefCell::default());

/// The octets that rasn writes for what it reads in these.
fn again(version: i64, octets: &[u8]) -> Option<Vec<u8>> {
    match version {
        0 => {
            let read: v1::Message<v1::Pdus> = rasn::ber::decode(octets).ok()?;
            rasn::ber::encode(&read).ok()
        }
        _ => {
            let read: v2c::Message<v2::Pdus> = rasn::ber::decode(octets).ok()?;
            rasn::ber::encode(&read).ok()
        }
    }
}

/// Whether rasn can be asked: it adds 80 to what stands behind a first 2, without looking.
fn is_for_rasn(pdu: &[u8]) -> bool {
    let (mut keys, mut binds) = (Key::new(), Vec::new());
    let Ok((_, content)) = wire::Reader::new(pdu).element() else { return false };
    let Ok(read) = wire::pdu(content, &mut keys, &mut binds) else { return false };
    binds.iter().all(|bind| {
        let arcs = arcs_of_key(&keys[bind.key.clone()]);
        let value = (bind.value_tag == 6).then(|| {
            let mut key = Key::new();
            wire::push_oid(&read.list[bind.value.clone()], &mut key).map(|()| arcs_of_key(&key)).unwrap_or_default()
        });
        [Some(arcs), value].into_iter().flatten().all(|arcs| arcs.get(1).is_none_or(|second| *second < u32::MAX - 80))
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, pdu)) = data.split_first() else { return };
    let version = i64::from(first & 1);
    let request = message(version, "private", pdu);
    let Some(answer) = AGENT.with_borrow_mut(|agent| agent.answer(&request)) else { return };
    let (found, rest) = wire::version(&answer).expect("a message");
    let read = wire::message(rest).expect("a message");
    assert_eq!((found, read.community, read.pdu_tag), (version, &b"private"[..], 0xa2));
    wire::pdu(read.pdu, &mut Key::new(), &mut Vec::new()).expect("a PDU");
    if is_for_rasn(pdu) && again(version, &request).as_ref() == Some(&request) {
        assert_eq!(again(version, &answer).as_ref(), Some(&answer));
    }
});
