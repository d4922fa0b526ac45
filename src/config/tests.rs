//! Broken files and the reports on them, whole.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use expect_test::{Expect, expect};

use super::*;

#[test]
fn the_state_directory_is_the_first_that_the_environment_names() {
    let cases: [(&[(&str, &str)], &str); 4] = [
        (&[("STATE_DIRECTORY", "/a:/b"), ("HOME", "/h")], "/a"),
        (&[("XDG_STATE_HOME", "/x"), ("HOME", "/h")], "/x/vitalsd"),
        (&[("XDG_STATE_HOME", "relative"), ("HOME", "/h")], "/h/.local/state/vitalsd"),
        (&[], "/var/lib/vitalsd"),
    ];
    for (variables, expected) in cases {
        let found = default_state_dir(|name| variables.iter().find(|pair| pair.0 == name).map(|pair| pair.1.into()));
        assert_eq!(found, Path::new(expected), "{variables:?}");
    }
}

#[test]
fn secrets_do_not_leave() {
    let text = Config::built_in().effective().expect("the configuration is TOML");
    assert!(text.contains("name = \"***\""), "{text}");
    assert!(!text.contains("\"public\""), "{text}");
}

/// The whole report on `text`, as people see it.
#[track_caller]
pub(super) fn broken(text: &str, expected: Expect) {
    let findings = load_text("vitalsd.toml", text, false).expect_err("the file is broken");
    expected.assert_eq(&findings.to_string());
}

#[test]
fn unknown_keys_get_the_nearest() {
    broken(
        "[snmp]\nlistne = [\"udp:0.0.0.0:161\"]\n\n[[snmp.comunity]]\nname = \"a\"\n",
        expect![[r#"
        error: snmp.listne: no such key
         --> vitalsd.toml:2:1
          |
        2 | listne = ["udp:0.0.0.0:161"]
          | ^^^^^^
          |
          = help: did you mean `listen`?

        error: snmp.comunity: no such key
         --> vitalsd.toml:4:8
          |
        4 | [[snmp.comunity]]
          |        ^^^^^^^^
          |
          = help: did you mean `community`?"#]],
    );
    broken(
        "[redfish]\nurl = 1\n",
        expect![[r#"
            error: redfish: no such key
             --> vitalsd.toml:1:2
              |
            1 | [redfish]
              |  ^^^^^^^
              |
              = help: known here: agent, log, system, snmp, mib, collect, http, notify, rule, service"#]],
    );
}

#[test]
fn wrong_types_say_what_is_right() {
    broken(
        "[snmp]\nlisten = \"udp:0.0.0.0:161\"\n",
        expect![[r#"
            error: snmp.listen: the wrong type: string "udp:0.0.0.0:161"
             --> vitalsd.toml:2:10
              |
            2 | listen = "udp:0.0.0.0:161"
              |          ^^^^^^^^^^^^^^^^^
              |
              = help: write a list in brackets. Where the agent listens: `udp:ADDRESS:PORT` or `tcp:ADDRESS:PORT`, an IPv6 address in brackets."#]],
    );
    broken(
        "snmp = 3\n",
        expect![[r#"
            error: snmp: the wrong type: integer `3`
             --> vitalsd.toml:1:8
              |
            1 | snmp = 3
              |        ^
              |
              = help: write a table. Who may ask over SNMP, where, and for what."#]],
    );
    broken(
        "[[rule]]\nname = \"x\"\nmetric = \"memory_free_bytes\"\nwarning = \"80 %\"\n",
        expect![[r#"
            error: rule[0].warning: the wrong type: string "80 %"
             --> vitalsd.toml:4:11
              |
            4 | warning = "80 %"
              |           ^^^^^^
              |
              = help: write a number. The level that raises a warning."#]],
    );
}

#[test]
fn spans_and_choices() {
    broken(
        "[collect]\ninterval = \"10\"\n[collect.memory]\ninterval = \"10ms\"\n",
        expect![[r#"
            error: collect.interval: `10` is not a span of time: write it as `10s`, `5m` or `1h`
             --> vitalsd.toml:2:12
              |
            2 | interval = "10"
              |            ^^^^
              |
              = help: write a text such as "10s". How often a section is collected unless it says otherwise; the least is 1s.

            error: collect.memory.interval: 10ms is too short
             --> vitalsd.toml:4:12
              |
            4 | interval = "10ms"
              |            ^^^^^^
              |
              = help: the least is "1s""#]],
    );
    broken(
        "[[rule]]\nname = \"x\"\nmetric = \"memory_free_bytes\"\ndirection = \"abov\"\n",
        expect![[r#"
            error: rule[0].direction: `abov` is not one of `above`, `below`
             --> vitalsd.toml:4:13
              |
            4 | direction = "abov"
              |             ^^^^^^
              |
              = help: did you mean `above`?"#]],
    );
    broken(
        "[log]\nformat = \"xml\"\n",
        expect![[r#"
            error: log.format: `xml` is not one of `text`, `json`, `journald`
             --> vitalsd.toml:2:10
              |
            2 | format = "xml"
              |          ^^^^^
              |
              = help: write one of `text`, `json`, `journald`. How it is written: `text`, `json`, or `journald` for systemd's journal with its priorities."#]],
    );
}

#[test]
fn syntax() {
    broken(
        "[collect]\ninterval = 10s\n[log]\nlevle = \"info\"\n",
        expect![[r#"
        error: string values must be quoted, expected literal string
         --> vitalsd.toml:2:12
          |
        2 | interval = 10s
          |            ^^^
          |
          = help: texts and spans of time stand in quotes, lists in brackets, and each key once: see https://toml.io

        error: log.levle: no such key
         --> vitalsd.toml:4:1
          |
        4 | levle = "info"
          | ^^^^^
          |
          = help: did you mean `level`?"#]],
    );
    broken(
        "[snmp\n",
        expect![[r#"
        error: unclosed table, expected `]`
         --> vitalsd.toml:1:6
          |
        1 | [snmp
          |      ^
          |
          = help: texts and spans of time stand in quotes, lists in brackets, and each key once: see https://toml.io"#]],
    );
    broken(
        "[http]\nlisten = \"a\"\nlisten = \"b\"\n",
        expect![[r#"
        error: http.listen: `a` is no address to listen on
         --> vitalsd.toml:2:10
          |
        2 | listen = "a"
          |          ^^^
          |
          = help: write "ADDRESS:PORT", as in "127.0.0.1:9161"

        error: duplicate key
         --> vitalsd.toml:3:1
          |
        3 | listen = "b"
          | ^^^^^^
          |
          = help: texts and spans of time stand in quotes, lists in brackets, and each key once: see https://toml.io"#]],
    );
}

#[test]
fn several_at_once() {
    broken(
        "[agent]\nroot = \"host\"\n[log]\nlevel = \"loud\"\nfromat = \"json\"\n[snmp]\nlisten = [\"udp:0.0.0.0\"]\n\
         allow = [\"10.0.0.0/33\"]\n[[snmp.community]]\nview = \"opps\"\n[[snmp.view]]\nname = \"ops\"\n\
         include = [\"system\"]\n[mib]\nroot = \"1\"\n[http]\nlisten = \"9161\"\n[[notify.snmp]]\n\
         target = \"192.0.2.1\"\n[[rule]]\nname = \"m\"\nmetric = \"memory_used\"\n",
        expect![[r#"
            error: agent.root: not an absolute path
             --> vitalsd.toml:2:8
              |
            2 | root = "host"
              |        ^^^^^^
              |
              = help: write it from `/` on, as in "/host"

            error: log.level: `loud` is not one of `error`, `warn`, `info`, `debug`, `trace`
             --> vitalsd.toml:4:9
              |
            4 | level = "loud"
              |         ^^^^^^
              |
              = help: write one of `error`, `warn`, `info`, `debug`, `trace`. The least that is said: `error`, `warn`, `info`, `debug` or `trace`.

            error: log.fromat: no such key
             --> vitalsd.toml:5:1
              |
            5 | fromat = "json"
              | ^^^^^^
              |
              = help: did you mean `format`?

            error: snmp.listen[0]: `udp:0.0.0.0` is no address to listen on
             --> vitalsd.toml:7:11
              |
            7 | listen = ["udp:0.0.0.0"]
              |           ^^^^^^^^^^^^^
              |
              = help: write "udp:ADDRESS:PORT" or "tcp:ADDRESS:PORT", an IPv6 address in brackets: "udp:[::1]:1161"

            error: snmp.allow[0]: `10.0.0.0/33` is not a network
             --> vitalsd.toml:8:10
              |
            8 | allow = ["10.0.0.0/33"]
              |          ^^^^^^^^^^^^^
              |
              = help: write "ADDRESS/BITS": "10.0.0.0/8", "::1/128"

            error: snmp.community[0]: without a name
             --> vitalsd.toml:9:1
              |
            9 | [[snmp.community]]
              | ^^^^^^^^^^^^^^^^^^
              |
              = help: give it `name` or `name_file`

            error: snmp.community[0].view: no view is called `opps`
              --> vitalsd.toml:10:8
               |
            10 | view = "opps"
               |        ^^^^^^
               |
               = help: did you mean `ops`?

            error: snmp.view[0].include[0]: `system` is not a subtree
              --> vitalsd.toml:13:12
               |
            13 | include = ["system"]
               |            ^^^^^^^^
               |
               = help: write numbers and dots, or "VITALS-MIB::name" of a table or an object that `vitalsd mib` prints

            error: mib.root: `1` is not an object identifier: write numbers with dots, as 1.3.6.1.4.1.32473.1
              --> vitalsd.toml:15:8
               |
            15 | root = "1"
               |        ^^^
               |
               = help: write a text in quotes. Where VITALS-MIB is anchored; the default is the arc that RFC 5612 reserves for examples.

            error: http.listen: `9161` is no address to listen on
              --> vitalsd.toml:17:10
               |
            17 | listen = "9161"
               |          ^^^^^^
               |
               = help: write "ADDRESS:PORT", as in "127.0.0.1:9161"

            error: notify.snmp[0]: without a community
              --> vitalsd.toml:18:1
               |
            18 | [[notify.snmp]]
               | ^^^^^^^^^^^^^^^
               |
               = help: give it `community` or `community_file`

            error: notify.snmp[0]: without a name
              --> vitalsd.toml:18:1
               |
            18 | [[notify.snmp]]
               | ^^^^^^^^^^^^^^^
               |
               = help: give it `name`: the log and the status call it so

            error: notify.snmp[0].target: `192.0.2.1` does not begin with `udp:`
              --> vitalsd.toml:19:10
               |
            19 | target = "192.0.2.1"
               |          ^^^^^^^^^^^
               |
               = help: write "udp:HOST:PORT"

            error: rule[0].warning: rule `m`: one of `warning` and `critical` is needed
              --> vitalsd.toml:20:1
               |
            20 | [[rule]]
               | ^^^^^^^^
               |
               = help: give it a level that the metric can reach

            error: rule[0].metric: rule `m`: there is no metric `memory_used`; the nearest is `memory_used_ratio`
              --> vitalsd.toml:22:10
               |
            22 | metric = "memory_used"
               |          ^^^^^^^^^^^^^
               |
               = help: `vitalsd metrics` prints the metrics there are"#]],
    );
}

#[test]
fn secrets_are_not_shown() {
    let text = "[[snmp.community]]\nname = { a = \"s3cret\" }\n[[snmp.community]]\nnmae = \"s3cret\"\n";
    broken(
        text,
        expect![[r#"
            error: snmp.community[0].name: not a text
             --> vitalsd.toml:2:8
              |
            2 | name = {**************}
              |        ^^^^^^^^^^^^^^^^
              |
              = help: write a text in quotes. The community itself.

            error: snmp.community[1].nmae: no such key
             --> vitalsd.toml:4:1
              |
            4 | nmae = "******"
              | ^^^^
              |
              = help: did you mean `name`?"#]],
    );
}

#[test]
fn warnings_leave_the_file_in_force() {
    let text =
        "[snmp]\nlisten = [\"udp:0.0.0.0:161\"]\nallow = [\"10.0.0.0/8\"]\n[[snmp.community]]\nname = \"public\"\n";
    let (config, warnings) = load_text("vitalsd.toml", text, true).expect("only warnings");
    assert_eq!((config.snmp.community.len(), config.http), (1, None));
    expect![[r#"
        warning: snmp.community[0].name: a community that everybody knows, off this machine
         --> vitalsd.toml:5:8
          |
        5 | name = "******"
          |        ^^^^^^^^
          |
          = help: choose a name that is hard to guess, or limit it with `from`

        warning: snmp.community[0].name: a secret in a file that everybody can read
         --> vitalsd.toml:5:8
          |
        5 | name = "******"
          |        ^^^^^^^^
          |
          = help: chmod o-r vitalsd.toml, or move the secret to a file of its own"#]]
    .assert_eq(&warnings.to_string());
    expect![[r#"
        vitalsd.toml:5:8: snmp.community[0].name: a community that everybody knows, off this machine; choose a name that is hard to guess, or limit it with `from`
        vitalsd.toml:5:8: snmp.community[0].name: a secret in a file that everybody can read; chmod o-r vitalsd.toml, or move the secret to a file of its own"#]].assert_eq(&warnings.lines().collect::<Vec<_>>().join("\n"));
    let (_, warnings) = load_text("vitalsd.toml", "snmp.listen = [\"udp:[::]:161\"]", true).expect("only warnings");
    expect![[r#"
        warning: snmp.allow: not given: only this machine is answered
         --> vitalsd.toml:1:1
          |
        1 | snmp.listen = ["udp:[::]:161"]
          | ^^^^
          |
          = help: name the networks that are to be answered: allow = ["10.0.0.0/8"]"#]]
    .assert_eq(&warnings.to_string());
}

#[test]
fn files_of_secrets_are_for_the_agent_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let secret = directory.path().join("community");
    let file = directory.path().join("vitalsd.toml");
    let mode = |mode| std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).expect("our own file");
    let report = || {
        let findings = load(Some(&file)).expect_err("the secret is open, or not there").to_string();
        findings.replace(&directory.path().display().to_string(), "/DIR")
    };
    std::fs::write(&file, format!("[[snmp.community]]\nname_file = \"{}\"\n", secret.display())).expect("written");
    expect![[r#"
        error: snmp.community[0].name_file: /DIR/community: No such file or directory (os error 2)
         --> /DIR/vitalsd.toml:2:13
          |
        2 | name_file = "/DIR/community"
          |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: name a file that the agent can read"#]]
    .assert_eq(&report());
    std::fs::write(&secret, "s3cret\n").expect("written");
    mode(0o644);
    expect![[r#"
        error: snmp.community[0].name_file: everybody can read /DIR/community
         --> /DIR/vitalsd.toml:2:13
          |
        2 | name_file = "/DIR/community"
          |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: chmod o-r /DIR/community"#]]
    .assert_eq(&report());
    mode(0o640);
    let loaded = load(Some(&file)).expect("the secret is closed");
    let name = loaded.config.snmp.community[0].name.clone();
    assert_eq!(name.as_ref().map(Secret::expose), Some("s3cret"));
    assert_eq!(loaded.config.snmp.community[0].name_file, None);
    std::fs::remove_file(&file).expect("removed");
    expect![[r#"
        error: /DIR/vitalsd.toml: No such file or directory (os error 2)
         |
         = help: name a readable file with --config"#]]
    .assert_eq(&report());
}
