//! The whole engine, behind the checks of communities, users, codes and clocks, which the harness passes.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use vitalsd::snmp::wire;
use vitalsd_fuzz::{Agent, datagram};

thread_local!(static AGENT: RefCell<Agent> = RefCell::default());

fuzz_target!(|data: &[u8]| {
    AGENT.with_borrow_mut(|agent| {
        let datagram = datagram(agent, data);
        let Some(answer) = agent.answer(&datagram) else { return };
        assert_eq!(wire::whole(&answer).map(<[u8]>::len), Ok(answer.len()));
        let (version, _) = wire::version(&answer).expect("a message");
        assert_eq!(wire::version(&datagram).map(|(version, _)| version), Ok(version));
    });
});
