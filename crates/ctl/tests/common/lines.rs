//! Command lines, and what each asks.

use serde_json::{Value, json};

/// Command lines, the request each makes, and a word its answer shows.
pub fn table() -> Vec<(&'static str, Value, &'static str)> {
    [logins(), radius(), portal()].concat()
}

fn logins() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("status", json!({ "op": "status" }), "no SMS provider"),
        (
            "user add alice --no-password --alias al --email a@example.org --resource vpn",
            json!({ "op": "user-add", "login": "alice", "aliases": ["al"], "email": "a@example.org",
                "resources": ["vpn"], "password": null }),
            "alice",
        ),
        (
            "user set alice --no-email --alias b",
            json!({ "op": "user-set", "user": "alice", "email": "", "aliases": ["b"], "password": null }),
            "alice",
        ),
        (
            "user set alice --no-aliases",
            json!({ "op": "user-set", "user": "alice", "aliases": [], "email": null, "password": null }),
            "alice",
        ),
        (
            "user show alice",
            json!({ "op": "user-show", "user": "alice" }),
            "2026-09-21T14:13:20Z",
        ),
        (
            "user list ali",
            json!({ "op": "user-list", "search": "ali", "after": null, "limit": 200 }),
            "LOGIN",
        ),
        (
            "user remove alice",
            json!({ "op": "user-remove", "user": "alice" }),
            "Carried out.",
        ),
        (
            "user lock alice --why gone",
            json!({ "op": "user-lock", "user": "alice", "why": "gone" }),
            "Carried out.",
        ),
        (
            "user unlock alice",
            json!({ "op": "user-unlock", "user": "alice" }),
            "Carried out.",
        ),
        (
            "user bypass alice",
            json!({ "op": "user-bypass", "user": "alice", "seconds": 3600 }),
            "Carried out.",
        ),
        (
            "user bypass alice --off",
            json!({ "op": "user-bypass", "user": "alice", "seconds": 0 }),
            "Carried out.",
        ),
        (
            "user bind alice vpn",
            json!({ "op": "user-bind", "user": "alice", "resource": "vpn" }),
            "Carried out.",
        ),
        (
            "user unbind alice vpn",
            json!({ "op": "user-unbind", "user": "alice", "resource": "vpn" }),
            "Carried out.",
        ),
        (
            "token add alice +61491570156 --name work --digits 8 --resource vpn",
            json!({ "op": "token-add", "user": "alice", "phone": "+61491570156", "name": "work", "digits": 8,
                "resources": ["vpn"] }),
            "+61 *** *** 56",
        ),
        (
            "token list alice",
            json!({ "op": "token-list", "user": "alice" }),
            "0123456789abcdef",
        ),
        (
            "token set 01 --name home --status disabled",
            json!({ "op": "token-set", "token": "01", "name": "home", "status": "disabled" }),
            "work",
        ),
        (
            "token enable 01",
            json!({ "op": "token-set", "token": "01", "status": "active", "name": null }),
            "work",
        ),
        (
            "token disable 01",
            json!({ "op": "token-set", "token": "01", "status": "disabled", "name": null }),
            "work",
        ),
        (
            "token block 01",
            json!({ "op": "token-set", "token": "01", "status": "blocked", "name": null }),
            "work",
        ),
        (
            "token remove 01",
            json!({ "op": "token-remove", "token": "01" }),
            "Carried out.",
        ),
        (
            "resource add vpn --pam-service sshd --validity 2m --disabled-token allow --shared-phones yes",
            json!({ "op": "resource-add", "name": "vpn", "set": { "pam-services": ["sshd"], "validity": 120,
                "disabled": "allow", "shared-phones": true } }),
            "Code valid for",
        ),
        (
            "resource set vpn --rename VPN --no-pam-services --no-region --tries 3 --failed-attempts 4 --enabled no",
            json!({ "op": "resource-set", "name": "vpn", "set": { "name": "VPN", "pam-services": [], "region": "",
                "tries": 3, "failed-attempts": 4, "enabled": false } }),
            "5m",
        ),
        (
            "resource show vpn",
            json!({ "op": "resource-show", "name": "vpn" }),
            "sshd",
        ),
        (
            "resource list",
            json!({ "op": "resource-list", "after": null }),
            "RESOURCE",
        ),
        (
            "resource remove vpn",
            json!({ "op": "resource-remove", "name": "vpn" }),
            "Carried out.",
        ),
        (
            "radius client add fw --network 192.0.2.0/24 --network 2001:db8::1 --resource vpn",
            json!({ "op": "radius-client-add", "name": "fw", "networks": ["192.0.2.0/24", "2001:db8::1"],
                "resource": "vpn", "secret": null, "weak_secret": false, "message_authenticator": "require",
                "first_factor": null }),
            "made-by-the-daemon",
        ),
        (
            "radius client set fw --resource vpn2 --message-authenticator off --first-factor stack",
            json!({ "op": "radius-client-set", "name": "fw", "networks": null, "resource": "vpn2", "secret": null,
                "weak_secret": false, "message_authenticator": "off", "first_factor": "stack", "set": {} }),
            "append: password and code in one field",
        ),
        (
            "radius client list",
            json!({ "op": "radius-client-list", "after": null }),
            "192.0.2.0/24",
        ),
        (
            "radius client remove fw",
            json!({ "op": "radius-client-remove", "name": "fw" }),
            "Carried out.",
        ),
        ("sms provider list", json!({ "op": "sms-provider-list" }), "ACME"),
        (
            "sms provider set gw --enabled no --priority 3",
            json!({ "op": "sms-provider-set", "name": "gw", "enabled": false, "priority": 3 }),
            "Carried out.",
        ),
        (
            "sms provider remove gw",
            json!({ "op": "sms-provider-remove", "name": "gw" }),
            "Carried out.",
        ),
        (
            "sms send-test +61491570156 --provider gw",
            json!({ "op": "sms-send-test", "phone": "+61491570156", "provider": "gw" }),
            "m-1",
        ),
        (
            "sms pause",
            json!({ "op": "sms-policy-set", "paused": true }),
            "Countries",
        ),
        (
            "sms resume",
            json!({ "op": "sms-policy-set", "paused": false }),
            "Countries",
        ),
        ("sms countries", json!({ "op": "sms-policy-show" }), "AT, DE"),
        (
            "sms countries de,AT",
            json!({ "op": "sms-policy-set", "countries": ["DE", "AT"] }),
            "AT, DE",
        ),
        (
            "sms countries none",
            json!({ "op": "sms-policy-set", "countries": [] }),
            "AT, DE",
        ),
        (
            "sms limits",
            json!({ "op": "sms-policy-show" }),
            "Per user and hour",
        ),
        (
            "sms limits --user-hour 3 --all-day 9 --voip yes",
            json!({ "op": "sms-policy-set", "user-hour": 3, "all-day": 9, "voip": true }),
            "10000",
        ),
        (
            "sms messages -n 7",
            json!({ "op": "sms-messages", "limit": 7, "after": null }),
            "1970-01-01T00:00:00Z",
        ),
        (
            "login explain alice@corp@sshd --source 192.0.2.1 --channel pam",
            json!({ "op": "login-explain", "user": "alice@corp", "service": "sshd", "channel": "pam",
                "source": "192.0.2.1" }),
            "A code would be sent.",
        ),
        (
            "login explain alice fw",
            json!({ "op": "login-explain", "user": "alice", "service": "fw", "channel": null, "source": "" }),
            "a code would be sent",
        ),
        (
            "audit tail -n 5",
            json!({ "op": "audit-tail", "after": null, "limit": 5 }),
            "user=alice resource=vpn via=radius/fw source=192.0.2.1 ref=k7",
        ),
        ("audit verify", json!({ "op": "audit-verify" }), "holds: 3 rows"),
    ]
}

fn radius() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "radius client add fw --network 192.0.2.1 --resource vpn --message-authenticator auto --first-factor \
             local,ldap:corp --nas openvpn --flow append --separator , --limit-proxy-state no --hide-first-factor yes \
             --echo no --prompt-length 128 --source framed-ip-address --eap yes --accounting yes --reply Class=staff",
            json!({ "op": "radius-client-add", "name": "fw", "networks": ["192.0.2.1"], "resource": "vpn",
                "message_authenticator": "auto", "first_factor": "local,ldap:corp", "set": { "nas": "openvpn", "flow": "append", "separator": ",",
                "limit-proxy-state": false, "hide-first-factor": true, "echo": false, "prompt-length": 128,
                "source": "framed-ip-address", "eap": true, "accounting": true, "reply": ["Class=staff"] } }),
            "Class = staff",
        ),
        (
            "radius client set fw --nas none --no-separator --no-reply",
            json!({ "op": "radius-client-set", "name": "fw", "message_authenticator": null, "set": { "nas": "none",
                "separator": "", "reply": [], "flow": null, "eap": null } }),
            "auto: it may be absent until the first that has one",
        ),
        (
            "radius client list",
            json!({ "op": "radius-client-list", "after": null }),
            "SENDS IT",
        ),
        (
            "radius sessions",
            json!({ "op": "accounting-list", "user": null, "ended": false, "limit": 100 }),
            "2026-09-21T14:13:20Z",
        ),
        (
            "radius sessions --user alice --ended --limit 5",
            json!({ "op": "accounting-list", "user": "alice", "ended": true, "limit": 5 }),
            "10.8.0.2",
        ),
        (
            "user add alice --no-password --group staff --group ops",
            json!({ "op": "user-add", "login": "alice", "groups": ["staff", "ops"] }),
            "staff",
        ),
        (
            "user set alice --group staff",
            json!({ "op": "user-set", "user": "alice", "groups": ["staff"], "aliases": null }),
            "staff",
        ),
        (
            "user set alice --no-groups",
            json!({ "op": "user-set", "user": "alice", "groups": [] }),
            "alice",
        ),
        (
            "user remembered alice",
            json!({ "op": "remembered-list", "user": "alice" }),
            "2026-09-21T22:13:20Z",
        ),
        (
            "user forget alice --id 0a",
            json!({ "op": "remembered-revoke", "user": "alice", "id": "0a" }),
            "Carried out.",
        ),
        (
            "user forget alice",
            json!({ "op": "remembered-revoke", "user": "alice", "id": null }),
            "Carried out.",
        ),
        (
            "resource set vpn --allow-network 192.0.2.0/24 --hours daily@08:00-18:00 --time-zone Europe/Berlin \
             --exempt-network 198.51.100.0/24 --exempt-user backup --exempt-group staff --remember 8h --reply Class=a",
            json!({ "op": "resource-set", "name": "vpn", "set": { "self-service": null, "access": {
                "allowed-networks": ["192.0.2.0/24"], "hours": ["daily@08:00-18:00"], "time-zone": "Europe/Berlin",
                "exempt-networks": ["198.51.100.0/24"], "exempt-users": ["backup"], "exempt-groups": ["staff"],
                "remember-minutes": 480, "reply": ["Class=a"] } } }),
            "8h from the same device",
        ),
        (
            "resource set vpn --exempt-user backup",
            json!({ "op": "resource-set", "name": "vpn", "set": { "access": { "exempt-users": ["backup"],
                "exempt-networks": [], "exempt-groups": [], "hours": null } } }),
            "mon-fri 07:00-19:00 (Europe/Berlin)",
        ),
        (
            "resource set vpn --allow-everywhere --any-time --time-zone= --no-exemptions --remember 0 --no-reply",
            json!({ "op": "resource-set", "name": "vpn", "set": { "access": { "allowed-networks": [], "hours": [],
                "time-zone": "", "exempt-networks": [], "exempt-users": [], "exempt-groups": [],
                "remember-minutes": 0, "reply": [] } } }),
            "Logins from         everywhere",
        ),
    ]
}

fn portal() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "user add alice --no-password --first-name Alice --last-name Ng",
            json!({ "op": "user-add", "login": "alice", "first-name": "Alice", "last-name": "Ng" }),
            "alice",
        ),
        (
            "user set alice --first-name Al --last-name=",
            json!({ "op": "user-set", "user": "alice", "first-name": "Al", "last-name": "" }),
            "alice",
        ),
        (
            "user find ali --resource vpn --state no-way-in",
            json!({ "op": "user-find", "search": "ali", "resource": "vpn", "state": "no-way-in", "limit": 200 }),
            "LOGIN",
        ),
        (
            "user sessions alice",
            json!({ "op": "user-sessions", "user": "alice" }),
            "Firefox on Linux",
        ),
        (
            "user sign-out alice",
            json!({ "op": "user-sign-out", "user": "alice" }),
            "Carried out.",
        ),
        (
            "user one-day-code alice",
            json!({ "op": "user-one-day-code", "user": "alice" }),
            "\n48230571\n",
        ),
        (
            "user recovery-codes alice",
            json!({ "op": "user-recovery", "user": "alice" }),
            "\nabcd-efgh\nijkl-mnop\n",
        ),
        (
            "user invite alice vpn",
            json!({ "op": "user-invite", "user": "alice", "resource": "vpn" }),
            "\nhttps://login.example.com/s/vpn?i=x1\n",
        ),
        (
            "token find ali --resource vpn",
            json!({ "op": "token-find", "search": "ali", "resource": "vpn", "limit": 200 }),
            "0123456789abcdef",
        ),
        (
            "enrol start alice vpn +61491570156 --name work --digits 8",
            json!({ "op": "enrol-start", "user": "alice", "resource": "vpn", "phone": "+61491570156",
                "name": "work", "digits": 8 }),
            "otpostctl enrol finish e1",
        ),
        (
            "enrol status e1",
            json!({ "op": "enrol-status", "enrolment": "e1" }),
            "labelled K7",
        ),
        (
            "enrol cancel e1",
            json!({ "op": "enrol-cancel", "enrolment": "e1" }),
            "taken back",
        ),
        (
            "resource set vpn --self-service-address vpn --allow enroll,rename --kinds sms,totp --otp-length 8 \
             --one-step --first-enrolment invite --enrol-days 14 --title Office --accent #0a5 --hint Hello",
            json!({ "op": "resource-set", "name": "vpn", "set": { "self-service": { "address": "vpn",
                "actions": ["enroll", "rename"], "kinds": ["sms", "totp"], "otp-length": "8", "two-steps": false,
                "first-enrolment": "invite", "enrol-days": 14, "title": "Office", "accent": "#0a5",
                "hint": "Hello" } } }),
            "https://login.example.com/s/vpn",
        ),
        (
            "resource set vpn --no-self-service --allow none --kinds none --otp-length choice --two-steps --title=",
            json!({ "op": "resource-set", "name": "vpn", "set": { "self-service": { "address": "", "actions": [],
                "kinds": [], "otp-length": "choice", "two-steps": true, "title": "" } } }),
            "14 days",
        ),
        (
            "resource add vpn --self-service-address vpn --allow all",
            json!({ "op": "resource-add", "name": "vpn", "set": { "self-service": { "address": "vpn",
                "actions": ["all"] } } }),
            "after the password",
        ),
        (
            "admin add mara --role helpdesk --resource vpn --name Mara --email mara@example.com",
            json!({ "op": "admin-add", "login": "mara", "shown": "Mara", "email": "mara@example.com",
                "role": "helpdesk", "resources": ["vpn"] }),
            "\nhttps://console.example.com/setup?k=x2\n",
        ),
        (
            "admin set mara --name M --no-email --role owner --all-resources --lock",
            json!({ "op": "admin-set", "login": "mara", "shown": "M", "email": "", "role": "owner",
                "resources": [], "locked": true }),
            "link not used yet",
        ),
        (
            "admin set mara --unlock --resource vpn --resource hosts",
            json!({ "op": "admin-set", "login": "mara", "resources": ["vpn", "hosts"], "locked": false }),
            "mara",
        ),
        (
            "admin reset mara",
            json!({ "op": "admin-reset", "login": "mara" }),
            "shown this once",
        ),
        ("admin list", json!({ "op": "admin-list" }), "Mara Lindqvist"),
        (
            "admin remove mara",
            json!({ "op": "admin-remove", "login": "mara" }),
            "Carried out.",
        ),
        ("setup-link", json!({ "op": "setup-link" }), "/setup?k=x2\n"),
        ("admin setup-link", json!({ "op": "setup-link" }), "not mailed"),
        (
            "api-key add sync --role admin --resource vpn --days 90",
            json!({ "op": "api-key-add", "name": "sync", "role": "admin", "resources": ["vpn"], "days": 90 }),
            "\notp_x3\n",
        ),
        ("api-key list", json!({ "op": "api-key-list" }), "never"),
        (
            "api-key remove sync",
            json!({ "op": "api-key-remove", "name": "sync" }),
            "Carried out.",
        ),
        ("mail show", json!({ "op": "mail-show" }), "450 later"),
        (
            "mail set --host mail.example.com --port 587 --security starttls --user otpost --from otpost@example.com",
            json!({ "op": "mail-set", "host": "mail.example.com", "port": 587, "security": "starttls",
                "user": "otpost", "from": "otpost@example.com" }),
            "starttls",
        ),
        (
            "mail set --off --no-user --no-password --no-ca",
            json!({ "op": "mail-set", "host": "", "user": "", "password": "", "ca": "" }),
            "Server",
        ),
        (
            "mail test mara@example.com",
            json!({ "op": "mail-test", "to": "mara@example.com" }),
            "Carried out.",
        ),
        ("portal show", json!({ "op": "portal-show" }), "--console-url"),
        (
            "portal set --url https://login.example.com --console-url https://console.example.com --email-codes no",
            json!({ "op": "portal-set", "url": "https://login.example.com",
                "console-url": "https://console.example.com", "email-codes": false }),
            "https://login.example.com",
        ),
        (
            "overview --hours 48 --resource vpn",
            json!({ "op": "overview", "hours": 48, "resource": "vpn" }),
            "################################xxxxxxxx\n",
        ),
        (
            "audit find -n 5 --user alice --resource vpn --kind login. --reason wrong-code --ref k7 --source \
             192.0.2.1 --from 1970-01-02 --until 2026-09-21T14:13:20Z",
            json!({ "op": "audit-find", "limit": 5, "before": null, "filter": { "user": "alice",
                "resource": "vpn", "kind": "login.", "reason": "wrong-code", "ref": "k7", "source": "192.0.2.1",
                "from": 86_400_000, "until": 1_790_000_000_000_u64 } }),
            "user=alice resource=vpn",
        ),
    ]
}
