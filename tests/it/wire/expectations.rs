//! Rows that are not about one message: what other tests prove, and what does not apply.

use super::{Proof, Row, World, other, row, sent};
use crate::message::{GET, asking, message};

fn test(id: &'static str, text: &'static str, test: &'static str) -> Row {
    other(id, text, Proof::Test(test))
}

pub fn proxies(_: &World) -> Vec<Row> {
    let none = |id, text, reason| other(id, text, Proof::NotApplicable(reason));
    vec![
        none("P1, P5", "a request, and a walk, over several providers", "there are no providers"),
        none("P2 to P4", "a provider that answers wrongly, slowly or not at all", "there are no providers"),
        none("P6", "providers of one subtree", "there are no providers"),
        none("P7, P8", "requests for other engines, in another version", "there is no proxy"),
        none("P9, P10", "a proxy's target that is down; its Reports", "there is no proxy"),
        none("P11, P12", "a loop of proxies; traps passed on", "there is no proxy"),
    ]
}

pub fn notifications(_: &World) -> Vec<Row> {
    vec![
        test("N1", "sysUpTime.0, then snmpTrapOID.0", "traps::version_2c_raises_changes_and_clears"),
        test("N2", "an SNMPv1 trap", "traps::version_1_raises_and_clears"),
        test("N5", "coldStart after a start", "traps::version_1_raises_and_clears"),
        test(
            "N7",
            "one notification a crossing, with hysteresis and a clear",
            "traps::version_2c_raises_changes_and_clears",
        ),
        test(
            "N8",
            "a receiver that is down: order is kept",
            "notify::outbox::tests::order_holds_through_failures_and_waits_double",
        ),
        test(
            "N8",
            "a receiver that is down: the queue is bounded",
            "notify::outbox::tests::a_full_queue_drops_the_oldest_even_while_a_batch_is_on_its_way",
        ),
        test(
            "N8",
            "a restart sends what was not sent, and nothing twice",
            "notify::notify_tests::a_restart_sends_nothing_twice",
        ),
    ]
}

pub fn pollers(_: &World) -> Vec<Row> {
    let get = |names: &[&str]| sent(message(1, "public", &asking(GET, 0, 0, names)));
    vec![
        test(
            "M1",
            "a walk rises, ends, and is the same by GETNEXT and GETBULK",
            "snmp::a_walk_by_getnext_is_a_walk_by_getbulk",
        ),
        test("M1", "a whole walk of a fixed host", "metrics::the_whole_tree_of_the_fake_host_is_as_it_was"),
        row(
            "M2",
            "GET sysObjectID.0, sysServices.0, sysORID.1, sysORDescr.1",
            vec![get(&["1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.7.0", "1.3.6.1.2.1.1.9.1.2.1", "1.3.6.1.2.1.1.9.1.3.1"])],
            "Response noError: sysObjectID.0 OBJECT IDENTIFIER, sysServices.0 INTEGER, sysORID.1 OBJECT IDENTIFIER, \
             sysORDescr.1 OCTET STRING",
        ),
        test(
            "M3, M15",
            "a restart raises snmpEngineBoots and keeps snmpEngineID",
            "engine::the_engine_is_the_same_after_a_kill_and_has_started_once_more",
        ),
        test("M4", "indices stay with their names", "mib::indices::tests::names_keep_their_numbers"),
        other("M5", "ifSpeed beside ifHighSpeed", Proof::NotApplicable("IF-MIB is not served")),
        other("M7", "hrStorage's units", Proof::NotApplicable("HOST-RESOURCES-MIB is not served")),
        test("M8", "numbers that do not fit end at the largest", "mib::smi::tests::numbers_are_scaled_and_saturate"),
        test(
            "M12",
            "the answer leaves from the address that was asked",
            "snmp::the_answer_leaves_from_the_address_that_was_asked",
        ),
        test(
            "M13",
            "the answer comes to the port that asked: the sockets of this table take no other",
            "wire::what_is_sent_and_what_comes_back",
        ),
        test("M15", "a clone has another snmpEngineID", "agent::identity::tests::a_copied_disk_gets_another_id"),
        test("M17", "net-snmp reads VITALS-MIB's tables", "mib::tables_read_as_tables"),
        test(
            "M18",
            "a GETBULK of 50 rows of 8 columns fits a packet",
            "wire::a_getbulk_of_many_columns_is_cut_cleanly",
        ),
    ]
}
