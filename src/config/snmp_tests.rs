//! Broken users of SNMPv3 and the reports on them, whole; secrets of users in files of their own.

use std::os::unix::fs::PermissionsExt;

use expect_test::expect;

use super::tests::broken;
use super::*;

#[test]
fn users_are_checked() {
    broken(
        "[snmp]\nengine_id = \"80007ed9\"\nquery_log = { path = \"q\", max_bytes = 1, keep = 2000 }\n\
         [[snmp.community]]\nname = \"a\"\naccess = \"none\"\n\
         [[snmp.user]]\nname = \"a\"\nauth = \"sha256\"\nlevel = \"authPriv\"\n\
         [[snmp.user]]\nname = \"a\"\nauth_password = \"maplesyrup\"\nview = \"al\"\n\
         [[snmp.user]]\nname = \"b\"\nauth = \"sha1\"\nauth_password = \"maple\"\npriv = \"aes256\"\npriv_key = \"00\"\n\
         [[snmp.user]]\nname = \"c\"\nauth = \"sha1\"\nauth_password = \"maplesyrup\"\nauth_key = \"00\"\n\
         [[snmp.user]]\nname = \"d\"\npriv = \"aes128\"\nlevel = \"authNoPriv\"\n\
         [[snmp.user]]\nname = \"e\"\nauth = \"sha1\"\nauth_master_key = \"geheim\"\npriv = \"des\"\n\
         [[snmp.user]]\naccess = \"write\"\n",
        expect![[r#"
            error: snmp.engine_id: `80007ed9` is no engine ID: 4 octets: an engine ID has 5 to 32, two digits each
             --> vitalsd.toml:2:13
              |
            2 | engine_id = "80007ed9"
              |             ^^^^^^^^^^
              |
              = help: write 10 to 64 hexadecimal digits, as in "80007ed90401020304", or leave it out: one is made then

            error: snmp.query_log.path: not an absolute path
             --> vitalsd.toml:3:22
              |
            3 | query_log = { path = "q", max_bytes = 1, keep = 2000 }
              |                      ^^^
              |
              = help: write it from `/` on, as in "/var/lib/vitalsd/queries.log"

            error: snmp.query_log.max_bytes: too small for a log
             --> vitalsd.toml:3:39
              |
            3 | query_log = { path = "q", max_bytes = 1, keep = 2000 }
              |                                       ^
              |
              = help: the least is 4096

            error: snmp.query_log.keep: too many files
             --> vitalsd.toml:3:49
              |
            3 | query_log = { path = "q", max_bytes = 1, keep = 2000 }
              |                                                 ^^^^
              |
              = help: the most is 1000

            error: snmp.community[0].access: a community that may do nothing
             --> vitalsd.toml:6:10
              |
            6 | access = "none"
              |          ^^^^^^
              |
              = help: write "read" or "write", or remove the community: "none" is for users

            error: snmp.user[0].auth: authentication without a secret
             --> vitalsd.toml:9:8
              |
            9 | auth = "sha256"
              |        ^^^^^^^^
              |
              = help: give it `auth_password_file`, `auth_password`, `auth_key` or `auth_master_key`

            error: snmp.user[0].level: more than a user without encryption has
              --> vitalsd.toml:10:9
               |
            10 | level = "authPriv"
               |         ^^^^^^^^^^
               |
               = help: give it `priv`, or lower the level

            error: snmp.user[1].name: another user is called `a`
              --> vitalsd.toml:12:8
               |
            12 | name = "a"
               |        ^^^
               |
               = help: give each user a name of his own

            error: snmp.user[1].auth_password: a secret without authentication
              --> vitalsd.toml:13:17
               |
            13 | auth_password = "**********"
               |                 ^^^^^^^^^^^^
               |
               = help: say which protocol `auth` is, or remove the secret

            error: snmp.user[1].view: no view is called `al`
              --> vitalsd.toml:14:8
               |
            14 | view = "al"
               |        ^^^^
               |
               = help: did you mean `all`?

            error: snmp.user[2].auth_password: too short: 5 characters
              --> vitalsd.toml:18:17
               |
            18 | auth_password = "*****"
               |                 ^^^^^^^
               |
               = help: a password has 8 at least

            error: snmp.user[2].priv_key: the wrong length: 2 digits
              --> vitalsd.toml:20:12
               |
            20 | priv_key = "**"
               |            ^^^^
               |
               = help: for this protocol write 64 digits, as `vitalsd user hash` prints them

            error: snmp.user[3].auth_key: `auth_password` too: a secret is given in one form
              --> vitalsd.toml:25:12
               |
            25 | auth_key = "**"
               |            ^^^^
               |
               = help: keep one of them: the file is the safer

            error: snmp.user[4].priv: encryption without authentication
              --> vitalsd.toml:28:8
               |
            28 | priv = "aes128"
               |        ^^^^^^^^
               |
               = help: give it `auth` too: SNMPv3 has no encryption alone

            error: snmp.user[4].level: more than a user without authentication has
              --> vitalsd.toml:29:9
               |
            29 | level = "authNoPriv"
               |         ^^^^^^^^^^^^
               |
               = help: give it `auth`, or lower the level

            error: snmp.user[5].auth_master_key: not hexadecimal digits
              --> vitalsd.toml:33:19
               |
            33 | auth_master_key = "******"
               |                   ^^^^^^^^
               |
               = help: for this protocol write 40 digits, as `vitalsd user hash` prints them

            error: snmp.user[5].priv: encryption without a secret
              --> vitalsd.toml:34:8
               |
            34 | priv = "des"
               |        ^^^^^
               |
               = help: give it `priv_password_file`, `priv_password`, `priv_key` or `priv_master_key`

            error: snmp.user[6]: without a name
              --> vitalsd.toml:35:1
               |
            35 | [[snmp.user]]
               | ^^^^^^^^^^^^^
               |
               = help: give it `name`"#]],
    );
}

#[test]
fn weak_choices_are_told_and_keys_have_their_protocols_length() {
    let digits = |octets: usize| "5a".repeat(octets);
    let text = format!(
        "[snmp]\nlisten = [\"udp:[::1]:1161\", \"tcp:127.0.0.1:1161\"]\nengine_id = \"80007ed90401020304\"\n\
         [[snmp.user]]\nname = \"old\"\nauth = \"md5\"\nauth_key = \"{}\"\npriv = \"des\"\npriv_key = \"{}\"\n\
         [[snmp.user]]\nname = \"open\"\n\
         [[snmp.user]]\nname = \"lax\"\nauth = \"sha1\"\nauth_master_key = \"{}\"\npriv = \"aes256\"\n\
         priv_master_key = \"{}\"\nlevel = \"noAuthNoPriv\"\n\
         [[snmp.user]]\nname = \"good\"\nauth = \"sha512\"\nauth_key = \"{}\"\npriv = \"aes256c\"\npriv_key = \"{}\"\n\
         level = \"authNoPriv\"\nview = \"all\"\n",
        digits(16),
        digits(16),
        digits(20),
        digits(20),
        digits(64),
        digits(32)
    );
    let (_, warnings) = load_text("vitalsd.toml", &text, true).expect("only warnings");
    expect![[r#"
        vitalsd.toml:6:8: snmp.user[0].auth: MD5 is weak; take "sha256" where managers know it
        vitalsd.toml:7:12: snmp.user[0].auth_key: a secret in a file that everybody can read; chmod o-r vitalsd.toml, or move the secret to a file of its own
        vitalsd.toml:8:8: snmp.user[0].priv: DES is weak; take "aes128" where managers know it
        vitalsd.toml:11:8: snmp.user[1].name: a user without authentication: whoever knows the name is let in; give it `auth` and `priv`
        vitalsd.toml:18:9: snmp.user[2].level: messages without authentication are accepted; leave `level` out: then the keys are needed"#]].assert_eq(&warnings.lines().collect::<Vec<_>>().join("\n"));
}

#[test]
fn passwords_of_users_come_from_files_of_their_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let write = |name: &str, text: &str, mode: u32| {
        std::fs::write(path(name), text).expect("written");
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).expect("our own file");
    };
    let text = format!(
        "[[snmp.user]]\nname = \"nms\"\nauth = \"sha256\"\nauth_password_file = \"{}\"\npriv = \"aes128\"\n\
         priv_password_file = \"{}\"\n",
        path("auth").display(),
        path("priv").display()
    );
    write("vitalsd.toml", &text, 0o644);
    write("auth", "maplesyrup\nmore\n", 0o640);
    write("priv", "syrup\n", 0o600);
    let report = || {
        let findings = load(Some(&path("vitalsd.toml"))).expect_err("a bad file");
        let lines: Vec<String> = findings.lines().collect();
        lines.join("\n").replace(&directory.path().display().to_string(), "/DIR")
    };
    expect![
        "/DIR/vitalsd.toml:6:22: snmp.user[0].priv_password_file: too short: 5 characters; a password has 8 at least"
    ]
    .assert_eq(&report());
    write("priv", "maplesyrup2\n", 0o644);
    expect![
        "/DIR/vitalsd.toml:6:22: snmp.user[0].priv_password_file: everybody can read /DIR/priv; chmod o-r /DIR/priv"
    ]
    .assert_eq(&report());
    write("priv", "maplesyrup2\n", 0o600);
    let loaded = load(Some(&path("vitalsd.toml"))).expect("two closed files");
    assert_eq!(loaded.warnings.items, Vec::new());
    let user = &loaded.config.snmp.user[0];
    let secrets = [&user.auth_password, &user.priv_password].map(|secret| secret.as_ref().map(Secret::expose));
    assert_eq!(secrets, [Some("maplesyrup"), Some("maplesyrup2")]);
    assert_eq!((&user.auth_password_file, &user.priv_password_file), (&None, &None));
}
