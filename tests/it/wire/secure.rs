//! SNMPv3: a good message, and then one part of it odd.

use super::{Proof, Row, Sent, UP_TIME, World, other, row, sent};
use crate::message::{BULK, GET, ID, NEXT, SET, Secure, asking, integer, pdu, text};

const GOOD: &str = "authPriv Response noError: sysUpTime.0 TimeTicks";

fn with(message: &Secure, change: impl FnOnce(&mut Secure)) -> Sent {
    let mut message = message.clone();
    change(&mut message);
    Sent::of(&message)
}

pub fn secure(world: &World) -> Vec<Row> {
    let discovery = Secure::discovery();
    let good = world.secure("priv");
    let auth = Secure { flags: vec![5], salt: Vec::new(), ..good.clone() };
    let none = Secure { flags: vec![4], salt: Vec::new(), ..good.clone() };
    let as_user = |user| Sent::of(&world.secure(user));
    let at = |ahead: i64| with(&good, |message| message.time += ahead);
    let boots = |more: i64| with(&good, |message| message.boots += more);
    let quiet = |message: &Secure| with(message, |message| message.flags[0] &= !4);
    let of = |change: &dyn Fn(&mut Secure)| with(&good, change);
    let other_engine = b"\x80\0\x7e\xd9\x05another".to_vec();
    let late = "authNoPriv Report usmStatsNotInTimeWindows, request-id 0; `usm_not_in_window`";
    let digests = "noAuthNoPriv Report usmStatsWrongDigests; `usm_wrong_digests`";
    let engines = "noAuthNoPriv Report usmStatsUnknownEngineIDs";
    let malformed = "silence; `in_parse_errors`";
    let each_malformed = "each: silence; `in_parse_errors`";
    let names = ["1.3.6.1.2.1.1.9.1.3.1"; 30];
    let small = |size: i64, pdu: Vec<u8>| with(&good, |message| (message.max_size, message.pdu) = (size, pdu));
    let large_get = || asking(GET, 0, 0, &names);
    let large_bulk = || asking(BULK, 0, 1_000, &["1.3.6.1.2.1.1"]);
    vec![
        row("V01", "discovery", vec![Sent::of(&discovery)], &format!("{engines}; `usm_unknown_engines`")),
        row("V02", "the same, not reportable", vec![quiet(&discovery)], "silence; `usm_unknown_engines`")
            .snmpd("Report"),
        row(
            "V03, M16",
            "authPriv GET: SHA-256 and AES-128; MD5 and DES; SHA-1 and AES-256 (Reeder); SHA-224 and AES-192",
            ["priv", "des", "long", "lax"].map(as_user).into(),
            &format!("each: {GOOD}"),
        ),
        row(
            "V03",
            "authNoPriv GET, SHA-512",
            vec![as_user("auth")],
            "authNoPriv Response noError: sysUpTime.0 TimeTicks",
        ),
        row(
            "V03",
            "noAuthNoPriv GET of a user without keys, and of one whose level allows it",
            vec![as_user("none"), with(&none, |message| message.user = b"lax".to_vec())],
            "each: noAuthNoPriv Response noError: sysUpTime.0 TimeTicks",
        ),
        row(
            "V04, X32",
            "a user with keys of both kinds at noAuthNoPriv",
            vec![Sent::of(&none)],
            "noAuthNoPriv Response authorizationError@0: sysUpTime.0 NULL; `out_not_authorized`",
        ),
        row(
            "V05, X32",
            "the same at authNoPriv",
            vec![Sent::of(&auth)],
            "authNoPriv Response authorizationError@0: sysUpTime.0 NULL; `out_not_authorized`",
        ),
        row(
            "V05",
            "a user who only signs notifications",
            vec![as_user("sender")],
            "authPriv Response authorizationError@0: sysUpTime.0 NULL; `out_not_authorized`",
        ),
        row(
            "V06",
            "an unknown user; one that is known and a NUL",
            vec![of(&|message| message.user = b"stranger".to_vec()), of(&|message| message.user.push(0))],
            "each: noAuthNoPriv Report usmStatsUnknownUserNames, request-id 0; `usm_unknown_users`",
        ),
        row(
            "V07",
            "an unknown engine, encrypted and not",
            vec![
                of(&|message| message.engine = other_engine.clone()),
                with(&none, |message| message.engine = other_engine.clone()),
            ],
            &format!("{engines}, request-id 0; `usm_unknown_engines`; then {engines}; `usm_unknown_engines`"),
        ),
        row(
            "V08",
            "a message whose last octet was changed on its way",
            vec![{
                let mut octets = auth.octets();
                if let Some(last) = octets.last_mut() {
                    *last = !*last;
                }
                sent(octets)
            }],
            digests,
        ),
        row(
            "V09, X06",
            "a code of 0, 1, 11, 12, 13, 23, 25, 48 octets",
            [0, 1, 11, 12, 13, 23, 25, 48]
                .map(|octets| {
                    let mut message = auth.clone();
                    message.mac_octets = Some(octets);
                    Sent { keys: auth.keys.clone(), ..sent(message.octets()) }
                })
                .into(),
            &format!("each: {digests}"),
        ),
        row(
            "V10, X22",
            "boots 0 and time 0, rightly signed",
            vec![of(&|message| (message.boots, message.time) = (0, 0))],
            late,
        ),
        row("V12", "time 140 s ahead", vec![at(140)], GOOD),
        row("V14", "time 170 s ahead", vec![at(170)], late),
        other("V11, V13", "time 149 s behind, 160 s behind", Proof::Test("snmp::v3_answers::discovery_and_time")),
        row("V15, V16", "boots one less; one more", vec![boots(-1), boots(1)], &format!("each: {late}")),
        other("V17, X31", "boots at their end, 2^31-1", Proof::Test("snmp::v3_answers::discovery_and_time")),
        row(
            "V18",
            "encrypted but not authentic",
            vec![of(&|message| message.flags = vec![6])],
            "silence; `in_invalid`",
        ),
        row(
            "V19, V20",
            "security model 99, 1",
            [99, 1].map(|model| of(&|message| message.model = model)).into(),
            "each: silence; `in_unknown_models`",
        ),
        row(
            "V21",
            "an unknown contextName",
            vec![of(&|message| message.context = b"other".to_vec())],
            "authPriv Report snmpUnknownContexts; `in_unknown_contexts`",
        )
        .snmpd("silence"),
        row(
            "V22",
            "an unknown contextEngineID",
            vec![of(&|message| message.context_engine = other_engine.clone())],
            "authPriv Report snmpUnknownPDUHandlers; `in_unknown_handlers`",
        )
        .snmpd("answers with its own data"),
        row(
            "V23",
            "encrypted with another key",
            vec![with(&good, |message| {
                let keys = crate::message::Keys::new(
                    vitalsd::snmp::usm::AuthProtocol::Sha256,
                    Some(vitalsd::snmp::usm::PrivProtocol::Aes256),
                    &world.engine,
                );
                message.keys = Some(keys);
            })],
            "noAuthNoPriv Report usmStatsDecryptionErrors, request-id 0; `usm_decryption_errors`",
        )
        .snmpd("silence"),
        row(
            "V24",
            "a salt of 4 octets",
            vec![of(&|message| message.salt = vec![1, 2, 3, 4])],
            "noAuthNoPriv Report usmStatsDecryptionErrors, request-id 0; `usm_decryption_errors`",
        ),
        row(
            "V25, X30",
            "one datagram twice: USM lets what is captured be sent again for 150 s",
            vec![Sent::of(&good), Sent::of(&good)],
            &format!("each: {GOOD}"),
        ),
        row(
            "V26",
            "msgMaxSize 484, a GET of more",
            vec![small(484, large_get()).within_size(484)],
            "authPriv Response tooBig@0: no variables; `out_too_big`",
        )
        .snmpd("silence"),
        row(
            "V27, V28",
            "msgMaxSize 484, a GETBULK of more",
            vec![small(484, large_bulk()).within(484)],
            "authPriv Response noError: variables in at most 484 octets",
        )
        .snmpd("genErr@0"),
        row(
            "V28",
            "msgMaxSize 1,400, a GETBULK of more",
            vec![small(1_400, large_bulk()).within(1_400)],
            "authPriv Response noError: variables in at most 1400 octets",
        )
        .snmpd("genErr@0"),
        row(
            "V29 to V31",
            "msgMaxSize 100, 483, -1, 0",
            [100, 483, -1, 0].map(|size| of(&|message| message.max_size = size)).into(),
            each_malformed,
        ),
        row(
            "V32, X03",
            "SET by a user who only reads",
            vec![of(&|message| message.pdu = pdu(SET, ID, 0, 0, &[(UP_TIME, integer(1))]))],
            "authPriv Response noAccess@1: sysUpTime.0 INTEGER",
        ),
        row(
            "V33, V34",
            "an engine ID of 33 octets, of 4",
            vec![of(&|message| message.engine = vec![0x80; 33]), of(&|message| message.engine = vec![0x80; 4])],
            &format!("each: {engines}, request-id 0; `usm_unknown_engines`"),
        ),
        row("V35", "a user name of 33 octets", vec![of(&|message| message.user = vec![b'x'; 33])], malformed),
        row(
            "V36",
            "the right engine, no user name",
            vec![with(&none, |message| message.user.clear())],
            "noAuthNoPriv Report usmStatsUnknownUserNames; `usm_unknown_users`",
        ),
        row(
            "V37",
            "msgID -1, 2^31",
            [-1, 1 << 31].map(|id| of(&|message| message.message_id = id)).into(),
            each_malformed,
        ),
        row(
            "V38",
            "a level that the user has no keys for; X22: a code for a user without one",
            vec![
                with(&good, |message| message.user = b"auth".to_vec()),
                with(&auth, |message| message.user = b"none".to_vec()),
            ],
            "noAuthNoPriv Report usmStatsUnsupportedSecLevels, request-id 0; `usm_unsupported_levels`; then \
             noAuthNoPriv Report usmStatsUnsupportedSecLevels; `usm_unsupported_levels`",
        ),
        row(
            "V39, V40",
            "msgFlags of no octet, of two",
            [vec![], vec![7, 7]].map(|flags| with(&good, |message| message.flags = flags)).into(),
            each_malformed,
        ),
        row("V41", "reserved flags", vec![of(&|message| message.flags = vec![0xff])], GOOD),
        row(
            "V42",
            "a Response, an SNMPv2-Trap",
            [0xa2, 0xa7].map(|tag| of(&|message| message.pdu = asking(tag, 0, 0, &[]))).into(),
            "silence; `in_responses`; then silence; `in_traps`",
        ),
        row("V48", "13 octets behind the ScopedPDU", vec![of(&|message| message.behind = 13)], GOOD),
        row(
            "V49, G01",
            "octets behind an authentic message",
            vec![{
                let mut message = Sent::of(&good);
                message.octets.extend([0xee; 10]);
                message
            }],
            GOOD,
        ),
        row(
            "X14",
            "good and bad messages in turn: a wrong user with GETBULK, a cut one, a wrong code",
            vec![
                Sent::of(&good),
                of(&|message| (message.user, message.pdu) = (b"stranger".to_vec(), large_bulk())),
                Sent::of(&good),
                {
                    let mut cut = Sent::of(&good);
                    cut.octets.truncate(90);
                    cut
                },
                of(&|message| message.pdu = asking(NEXT, 0, 0, &[UP_TIME])),
                with(&auth, |message| message.mac_octets = Some(1)),
                Sent::of(&good),
            ],
            &format!(
                "{GOOD}; then noAuthNoPriv Report usmStatsUnknownUserNames, request-id 0; `usm_unknown_users`; then \
                 {GOOD}; then {malformed}; then authPriv Response noError: sysContact.0 OCTET STRING; then {digests}; \
                 then {GOOD}"
            ),
        ),
        row(
            "X17",
            "SET of one's own key by an index whose lengths lie: 2^32-1, 0, longer than the name, shorter",
            ["4294967295.112", "0.112", "5.1", "4.112.114.105.118"]
                .map(|rest| {
                    let object = format!("1.3.6.1.6.3.15.1.2.2.1.7.{rest}.114.105.118");
                    let set = pdu(SET, ID, 0, 0, &[(&object, text([0; 64]))]);
                    of(&|message| message.pdu = set.clone()).wholly(false)
                })
                .into(),
            "each: authPriv Response noAccess@1",
        ),
        row(
            "V99",
            "each case counts once: the counters of every row are the whole of what it raised",
            vec![Sent::of(&good)],
            GOOD,
        ),
    ]
}
