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
        test(
            "N3",
            "an inform that nobody acknowledges goes out again with its request-id, and stays in order",
            "informs::a_receiver_that_was_away_hears_all_in_order",
        ),
        test(
            "N4",
            "SNMPv3 traps of our engine, informs of the receiver's, at every level",
            "informs::every_level_is_received",
        ),
        test(
            "N4",
            "a receiver with other boots or another engine ID",
            "informs::a_receiver_that_becomes_another_is_discovered_anew",
        ),
        test(
            "N6",
            "authenticationFailure while snmpEnableAuthenTraps allows it, at most one a minute",
            "informs::starts_links_and_failed_authentications_are_told",
        ),
        test(
            "N9",
            "a target's least severity",
            "notify::outbox::tests::the_least_severity_counts_the_worst_that_an_alarm_has_been",
        ),
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
        test(
            "M5, M6",
            "ifSpeed ends at its largest beside ifHighSpeed; Counter32 wraps beside Counter64",
            "mib::standard::if_mib::tests::speeds_saturate_and_counters_wrap",
        ),
        test(
            "M7",
            "hrStorage's units grow with the size",
            "mib::standard::host_resources::storage::tests::the_unit_grows_with_the_size",
        ),
        test("M9", "DateAndTime has 8 or 11 octets", "mib::conventions::tests::dates_say_their_zone"),
        test(
            "M10",
            "long texts are cut on a character's edge",
            "mib::standard::if_mib::tests::an_alias_is_cut_on_a_characters_edge",
        ),
        test(
            "M11",
            "numbers that wrap do, TimeTicks too",
            "mib::conventions::tests::numbers_saturate_or_wrap_as_their_types_do",
        ),
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
