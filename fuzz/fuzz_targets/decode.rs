//! Reading of any octets: no panic, and no more kept than the octets pay for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vitalsd::mib::Key;
use vitalsd::snmp::{claimed_user, v3, wire};

fuzz_target!(|data: &[u8]| {
    let (mut keys, mut binds) = (Key::new(), Vec::new());
    let mut check = |pdu: &[u8]| {
        if let Ok(read) = wire::pdu(pdu, &mut keys, &mut binds) {
            // A binding has five octets at least, and a sub-identifier becomes five at most.
            assert!(binds.len() * 5 <= read.list.len());
            assert!(keys.len() <= 10 * pdu.len());
            for bind in &binds {
                assert!(keys.get(bind.key.clone()).is_some());
                assert!(read.list.get(bind.name.clone()).is_some());
                let content = read.list.get(bind.value.clone()).expect("a value");
                assert!(wire::value(bind.value_tag, content).is_ok());
            }
        }
    };
    check(data);
    if let Ok((_, rest)) = wire::version(data) {
        assert!(wire::whole(data).expect("a message").len() <= data.len());
        if let Ok(message) = wire::message(rest) {
            check(message.pdu);
        }
        let mut rest = rest;
        if let Ok(header) = v3::Header::read(&mut rest) {
            let _ = (header.level(), header.is_reportable());
            if let Ok(parameters) = v3::Parameters::read(data, &mut rest) {
                assert!(data.get(parameters.mac.clone()).is_some());
                if let Ok(scoped) = v3::Scoped::read(rest.octets()) {
                    let _ = scoped.request_id();
                    check(scoped.pdu);
                }
            }
        }
    }
    let _ = claimed_user(data);
    let _ = v3::Scoped::read(data);
    if let Some((tag, content)) = data.split_first() {
        let _ = wire::value(*tag, content);
        let _ = wire::push_oid(content, &mut Key::new());
    }
});
