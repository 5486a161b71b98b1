//! Each sentence, and the text that says the same.

/// A sentence with `$name` where something is put in, and the key of its text. The first that fits counts.
pub(super) const SENTENCES: &[(&str, &str)] = &[
    // People.
    ("there is no user `$user`", "s-no-user"),
    ("a password has 6 to 128 characters, not $count", "s-password"),
    ("too many passwords are being checked just now", "s-busy"),
    ("a user has at most $most aliases, not $count", "s-aliases"),
    ("the alias `$alias` is the login itself", "s-alias-login"),
    ("a login name must not be empty", "s-login-empty"),
    ("a login name has at most 64 characters", "s-login-long"),
    (
        "a login name has no blanks, control characters or any of / : * ? \" < > | & ^ `",
        "s-login-characters",
    ),
    (
        "a first or last name has at most 100 characters and no control characters",
        "s-person-name",
    ),
    ("this is no e-mail address; write name@example.com", "s-email"),
    (
        "an e-mail address is missing; write one like name@example.com",
        "s-email-missing",
    ),
    (
        "an e-mail address has at most 254 characters, 64 of them before the @",
        "s-email-long",
    ),
    (
        "an e-mail address has one @; write one like name@example.com",
        "s-email",
    ),
    (
        "what is before the @ is no mailbox name; write an address like name@example.com",
        "s-email-local",
    ),
    (
        "what is behind the @ is no domain; write an address like name@example.com",
        "s-email-domain",
    ),
    ("login is taken already", "s-taken-login"),
    ("alias is taken already", "s-taken-alias"),
    ("email is taken already", "s-taken-email"),
    ("resource name is taken already", "s-taken-name"),
    ("client name is taken already", "s-taken-name"),
    ("provider name is taken already", "s-taken-name"),
    ("pam service is taken already", "s-taken-service"),
    ("$field is taken already", "s-taken"),
    ("still in use by RADIUS client $name", "s-in-use-client"),
    ("still in use by $by", "s-in-use"),
    ("a bypass lasts at most 72 hours", "s-bypass"),
    (
        "user $user is not bound to $resource; bind it first",
        "s-not-bound",
    ),
    (
        "user $user is bound to no resource; bind it first: otpostctl user bind $again RESOURCE",
        "s-bound-nowhere",
    ),
    (
        "user $user is locked, or $resource is switched off; change that first",
        "s-locked-or-off",
    ),
    (
        "the user is locked or not bound to the resource any more, or the resource is off",
        "s-no-more",
    ),
    ("user $user is locked; unlock first", "s-locked"),
    (
        "user $user has a token in $resource already; remove it first",
        "s-has-token",
    ),
    (
        "the user has a token of this kind in the resource already; remove it first",
        "s-has-kind",
    ),
    (
        "there is no such enrolment of yours; it may have ended: start a new one",
        "s-no-enrolment",
    ),
    (
        "the portal of $resource is off; give it a self-service address first",
        "s-portal-off",
    ),
    (
        "nobody has said where the portal is; set its address first: otpostctl portal set --url URL",
        "s-no-portal",
    ),
    (
        "user $user is bound to no resource, so there is no portal for codes; bind it first: otpostctl user bind $again RESOURCE",
        "s-bound-nowhere",
    ),
    ("a user is in at most $most groups, not $count", "s-groups"),
    ("no code of $user is remembered there any more", "s-remembered"),
    ("no code could be made; try again", "s-again"),
    ("$word: try again later", "s-later"),
    // Numbers and tokens.
    (
        "a phone number has digits, blanks and dashes only, with + and the country code in front",
        "s-phone-characters",
    ),
    (
        "write the phone number with + and the country code, for example +49 171 2345678",
        "s-phone-country",
    ),
    (
        "this is no valid phone number; check the digits after the country code",
        "s-phone",
    ),
    (
        "texts to $region are not allowed; allow the country first: otpostctl sms countries --add $again",
        "s-country",
    ),
    (
        "texts to $region are not allowed; allow the country: otpostctl sms countries --add $again",
        "s-country",
    ),
    (
        "texts to $region are not allowed; allow the country first",
        "s-country",
    ),
    ("this is no mobile number, so it takes no texts", "s-no-mobile"),
    (
        "this is no mobile number; enter one that takes text messages",
        "s-no-mobile",
    ),
    (
        "no texts are sent to numbers of $region; use another number or ask your administrator",
        "s-country",
    ),
    ("your codes go to this number already", "s-phone-same"),
    ("enter the phone number that gets the codes", "phone-missing"),
    ("$number is no mobile number, so it takes no texts", "s-no-mobile"),
    (
        "the phone number belongs to another token already; a resource can allow that: otpostctl resource set NAME \
         --shared-phones true",
        "s-phone-taken",
    ),
    (
        "there is no token `$id`; see otpostctl token list USER",
        "s-no-token",
    ),
    ("a token is active, disabled or blocked", "s-token-state"),
    ("a token name has at most 50 characters", "s-token-long"),
    (
        "a token name has none of < > ? / % and no control characters",
        "s-token-characters",
    ),
    ("a code has 6, 7 or 8 digits", "s-digits"),
    ("a code has 6 or 8 digits", "s-otp-length"),
    // Resources.
    ("there is no resource `$name`; make it first", "s-no-resource"),
    ("there is no resource `$name`", "s-no-resource"),
    (
        "a resource name has 1 to 64 characters and no control characters",
        "s-resource-name",
    ),
    ("failed-attempts is 3 to 10, not $given", "s-failed-attempts"),
    ("tries is 1 to 10, not $given", "s-tries"),
    ("validity is 60 to 600 seconds, not $given", "s-validity"),
    (
        "`$name` is no PAM service name; write letters, digits, - _ . or *",
        "s-service",
    ),
    (
        "`$text` is no country; write its two letters, for example DE or US",
        "s-country-code",
    ),
    ("otp-length is choice, 6 or 8", "s-otp-length"),
    ("first-enrolment is password or invite", "s-first-enrolment"),
    (
        "a self-service address has 1 to 64 small letters, digits and hyphens, like `office-vpn`",
        "s-address",
    ),
    (
        "the self-service address `$address` belongs to $resource already; choose another",
        "s-address-taken",
    ),
    (
        "the title of a portal has at most 64 characters and no control characters",
        "s-title",
    ),
    (
        "the hint of a portal has at most 200 characters and no control characters",
        "s-hint",
    ),
    (
        "an accent colour is # and six hexadecimal digits, such as #1f6feb; leave it empty for the default",
        "s-accent",
    ),
    ("enrol-days is 0 (no end) to 3650, not $given", "s-days"),
    (
        "$field: `$word` is not known here; write $examples, or all",
        "s-word",
    ),
    (
        "$zone; write a zone such as Europe/Berlin, or leave it empty for the daemon's own",
        "s-zone",
    ),
    (
        "`$text` names no hours; write mon-fri 07:00-19:00, sat,sun 10:00-16:00 or daily 00:00-24:00",
        "s-hours",
    ),
    (
        "remember-minutes is at most $most (24 hours), not $given",
        "s-remember",
    ),
    ("a list holds at most $most entries, not $count", "s-entries"),
    (
        "the exempt network $network is everybody; switch the resource's second factor off in another way",
        "s-exempt-everybody",
    ),
    (
        "a group has 1 to $most characters and no control characters or commas",
        "s-group",
    ),
    (
        "`$text` begins with neither `user NAME:` nor `group NAME:`",
        "s-reply-for",
    ),
    // RADIUS clients.
    (
        "`$text` is no first factor; write local, stack, ldap:NAME or radius:NAME, with commas between",
        "s-chain-link",
    ),
    (
        "a chain of first factors has 1 to 8 links, such as local,ldap:corp",
        "s-chain-length",
    ),
    (
        "`stack` means that the VPN has checked the password, so it stands alone",
        "s-chain-stack",
    ),
    ("`$text` is in the chain twice; name it once", "s-chain-twice"),
    (
        "flow code-only needs first-factor stack: the field holds no password",
        "s-flow-code-only",
    ),
    ("there is no RADIUS client `$name`", "s-no-client"),
    (
        "a client name has 1 to 64 letters, digits, - _ . and no blanks",
        "s-client-name",
    ),
    (
        "a client needs at least one address or network its packets come from",
        "s-client-networks",
    ),
    (
        "the network $network is everybody; name the VPN's own addresses",
        "s-network-everybody",
    ),
    (
        "`$text` is not a network; write 192.0.2.0/24, 2001:db8::/32 or a single address",
        "s-network",
    ),
    (
        "a RADIUS client has at most $most networks, not $count; name larger networks, or make several clients",
        "s-networks",
    ),
    (
        "the network $network belongs to the client $client already",
        "s-network-taken",
    ),
    (
        "a client whose passwords are checked elsewhere must send Message-Authenticator; leave that required",
        "s-client-open",
    ),
    (
        "the shared secret has $count characters; use at least 16, or leave it out to have one made",
        "s-secret-short",
    ),
    (
        "a shared secret has at most $most octets, not $count; leave it out to have one made",
        "s-secret-long",
    ),
    ("prompt-length is 20 to 253 octets, not $given", "s-prompt"),
    (
        "the separator is one character that is no letter and no digit, such as a comma",
        "s-separator",
    ),
    ("the separator is one character, or empty for none", "s-separator"),
    // Providers and texts.
    ("there is no source of passwords `$name`", "s-no-source"),
    ("there is no source $name; write $shown", "s-source-kind"),
    (
        "there are $most sources already; remove one that is not used",
        "s-source-most",
    ),
    (
        "the RADIUS client $client asks this source; change that first: otpostctl radius client set $again --first-factor local",
        "s-source-used",
    ),
    (
        "a source name has 1 to 64 letters, digits, - _ . and no blanks",
        "s-source-name",
    ),
    ("there is no SMS provider `$name`", "s-no-provider"),
    (
        "a provider name has 1 to 64 letters, digits, - _ .",
        "s-provider-name",
    ),
    (
        "not a sender: use up to 11 printable ASCII characters, or 3 to 15 digits with an optional +",
        "s-sender",
    ),
    (
        "$key: unknown placeholder {$name}; known are $known; write {{ and }} for literal braces",
        "s-config-placeholder",
    ),
    (
        "no template has $placeholder; every text would be the same. Put it into url, query, headers or body",
        "s-config-unused",
    ),
    (
        "$key: a brace without its partner; placeholders look like {to}, literal braces are written {{ and }}",
        "s-config-brace",
    ),
    (
        "$key: there is no secret `$name`; add it under `secrets`, known are: $known",
        "s-config-secret",
    ),
    (
        "$key: put the value under `secrets` and write {secret.NAME} here, so that it is never printed",
        "s-config-literal",
    ),
    (
        "url: http:// sends codes and credentials readable over the network; use https://, or set plain-http = true if \
         the way to `$host` is protected otherwise",
        "s-config-plain",
    ),
    (
        "success: a status alone does not tell that the text was taken, providers answer 200 with an error inside; add \
         json-pointer with equals, any-of or exists = true, or add regex",
        "s-config-success",
    ),
    (
        "the file transport writes codes to a file and is for development only; configure an http transport, or set \
         environment = \"development\"",
        "s-config-file",
    ),
    ("otpostd is stopping", "s-stopping"),
    ("the test text is gone", "s-test-gone"),
    ("sending is paused; resume it: otpostctl sms resume", "s-paused"),
    ("the budget is used ($code); try again in $seconds s", "s-budget"),
    // Mail, portal and console.
    (
        "name the mail server first: host, such as mail.example.com",
        "s-mail-host",
    ),
    (
        "the mail server is a host name or an address, such as mail.example.com, without a port",
        "s-mail-server",
    ),
    (
        "name the sender of mails: from, such as otpost <otpost@example.com>",
        "s-mail-from",
    ),
    (
        "mail without TLS goes to localhost only; set security to starttls or tls for another server",
        "s-mail-plain",
    ),
    (
        "the user at the mail server has 1 to 256 characters and no control characters",
        "s-mail-user",
    ),
    (
        "the certificate authority is text that has -----BEGIN CERTIFICATE----- in it, at most 64 kB",
        "s-mail-ca",
    ),
    ("security is starttls, tls or none", "s-mail-security"),
    ("mail is switched off; set the mail server first", "s-mail-off"),
    ("the test mail did not leave: $why", "s-mail-test"),
    (
        "the address begins with https://; http:// is for this machine alone, such as http://localhost:8443",
        "s-url-scheme",
    ),
    (
        "the address has a host name, such as https://login.example.com",
        "s-url-host",
    ),
    (
        "the port of the address is a number from 1 to 65535",
        "s-url-port",
    ),
    (
        "the address ends with the host name or port: no path, user or question mark behind it",
        "s-url-rest",
    ),
    // What somebody may not do.
    ("this needs the role $role; ask an owner", "s-denied-role"),
    (
        "this is not there, or not among the resources that you administer",
        "s-denied-scope",
    ),
    (
        "this person is bound to resources that you do not administer, and this would hold there too",
        "s-denied-further",
    ),
    (
        "this concerns all resources, and you administer some; ask an administrator of all",
        "s-denied-system",
    ),
    // Administrators and keys.
    ("there is no administrator `$login`", "s-no-administrator"),
    (
        "there is an administrator `$login` already",
        "s-administrator-taken",
    ),
    (
        "an owner is not limited to resources; name none, or choose the role admin",
        "s-owner-scope",
    ),
    (
        "at most $most resources can be named; name none for all of them",
        "s-scope-many",
    ),
    (
        "a name has at most $most characters and no control characters",
        "s-shown-name",
    ),
    (
        "this is the last owner; make another administrator an owner first",
        "s-last-owner",
    ),
    ("there are $most administrators already", "s-administrators-many"),
    ("the first administrator is an owner", "s-first-owner"),
    (
        "the administrator $login is locked; unlock first",
        "s-administrator-locked",
    ),
    ("a role is owner, admin or helpdesk", "s-role"),
    ("a key's name has 1 to 64 letters, digits, - _ .", "s-key-name"),
    (
        "a key lasts 1 to $most days, not $days; leave it out for no end",
        "s-key-days",
    ),
    (
        "there are $most keys already; delete those that are not used",
        "s-keys-many",
    ),
    ("there is a key `$name` already", "s-key-taken"),
    ("there is no key `$name`", "s-no-key"),
    ("choose a login name", "s-login-empty"),
    (
        "the page is out of date; load it again and scan the code again",
        "s-setup-old",
    ),
    (
        "an administrator's password has $least to $most characters, not $count",
        "s-own-password",
    ),
    // Files of users.
    (
        "there is no such import of yours; it is kept for 15 minutes: hand the file in again",
        "s-import-gone",
    ),
    (
        "$most files are being imported; wait until one is done, or 15 minutes",
        "s-import-busy",
    ),
    ("a file has at most $most MiB; split it", "s-import-large"),
    ("a file has at most $most lines; split it", "s-import-long"),
    (
        "the plan is not there yet; hand in the last part, or wait a little",
        "s-import-early",
    ),
    (
        "this import was begun already; hand the file in again",
        "s-import-begun",
    ),
    (
        "the file is complete already; begin another import",
        "s-import-begun",
    ),
    ("the file cannot be read now; try again", "s-import-unread"),
    ("the file is no table: $why", "s-import-table"),
    (
        "the file is empty; its first line reads: login,email,phone,first-name,last-name,resource,token",
        "s-import-empty",
    ),
    (
        "the column `$column` is not known; the first line names the columns: \
         login,email,phone,first-name,last-name,resource,token",
        "s-import-column",
    ),
    ("the column $column is there twice; keep one", "s-import-twice"),
    (
        "the first line names no column login; it reads like: login,email,phone,first-name,last-name,resource,token",
        "s-import-login",
    ),
    (
        "$bad lines are bad, so nothing was written; mend them, or import the others",
        "s-import-bad",
    ),
    (
        "lines became bad since the plan was made, so nothing was written; mend them, or import the others",
        "s-import-late",
    ),
    ("nothing was written: $why", "s-import-nothing"),
    (
        "not all was written: $why; hand the file in again to go on",
        "s-import-part",
    ),
    (
        "the line has $has fields and the first line $columns columns; put fields with commas in quotes",
        "s-line-fields",
    ),
    (
        "a token needs a phone number; fill in phone, or leave token empty",
        "s-line-token",
    ),
    (
        "the user is bound to no resource; fill in resource",
        "s-line-unbound",
    ),
    ("this is an alias of $login; write $again", "s-line-alias"),
    (
        "line $line says otherwise about the same user; keep one",
        "s-line-differs",
    ),
    (
        "line $line gives the same user another number for the same resource; keep one",
        "s-line-number",
    ),
    (
        "line $line gives it to another user; it must be unique",
        "s-line-twice",
    ),
    ("another user has it already; it must be unique", "s-line-taken"),
    (
        "the user has a token in $resource already; remove it first, or leave phone empty",
        "s-line-has-token",
    ),
    ("new user", "s-line-new"),
    ("e-mail $email", "s-line-email"),
    ("first name $name", "s-line-first"),
    ("last name $name", "s-line-last"),
    ("bound to $resource", "s-line-bound"),
    ("SMS token $number for $resources, unverified", "s-line-makes"),
    ("SMS token $number also for $resources", "s-line-extends"),
    ("SMS token $number named $name", "s-line-names"),
    // Why somebody is locked.
    ("by an administrator: $why", "s-locked-by"),
    ("after wrong codes, for $seconds more seconds", "s-locked-for"),
    (
        "after 50 wrong codes in 30 days, until unlocked",
        "s-locked-month",
    ),
    // Things to mend, on the first page.
    (
        "this is a development set-up: texts may be kept readable in a file",
        "s-mend-development",
    ),
    (
        "no SMS provider is set up: otpostctl sms provider add",
        "s-mend-provider",
    ),
    (
        "an SMS provider cannot be used; see otpostd's log",
        "s-mend-unusable",
    ),
    (
        "no country may be texted, so no code leaves: otpostctl sms countries --add DE",
        "s-mend-countries",
    ),
    ("sending is paused: otpostctl sms resume", "s-paused"),
    (
        "RADIUS client $client may leave out Message-Authenticator (CVE-2024-3596): make the VPN send it, then otpostctl \
         radius client set $again --message-authenticator require",
        "s-mend-authenticator",
    ),
    (
        "RADIUS client $client checks no password here: the VPN must",
        "s-mend-stack",
    ),
    // How a login would go.
    (
        "With the right password $user is asked for a code sent by text.",
        "s-explain-challenge",
    ),
    (
        "$user has a timed bypass; end it: otpostctl user bypass $again --off",
        "s-explain-bypass",
    ),
    (
        "$user has no token here and the resource lets such users in without a code.",
        "s-explain-unenrolled-allowed",
    ),
    (
        "The token of $user is disabled and the resource lets such users in without a code.",
        "s-explain-disabled-allowed",
    ),
    (
        "No resource guards the PAM service $service: otpostctl resource set NAME --pam-service $again",
        "s-explain-no-resource",
    ),
    (
        "The resource is switched off: otpostctl resource set NAME --enabled true",
        "s-explain-off",
    ),
    (
        "There is no user $user: otpostctl user add $again",
        "s-explain-no-user",
    ),
    (
        "$user is not bound to the resource: otpostctl user bind $again RESOURCE",
        "s-explain-not-bound",
    ),
    (
        "$user has no password here: otpostctl user password $again",
        "s-explain-no-password",
    ),
    (
        "Too many wrong passwords came from this network; it opens again within 15 minutes.",
        "s-explain-closed",
    ),
    (
        "An administrator locked $user: otpostctl user unlock $again",
        "s-explain-admin-locked",
    ),
    (
        "$user is locked after wrong codes: wait, or otpostctl user unlock $again",
        "s-explain-locked",
    ),
    (
        "$user has no token for the resource: otpostctl token add $again NUMBER",
        "s-explain-unenrolled",
    ),
    (
        "The token of $user is disabled: otpostctl token enable ID",
        "s-explain-disabled",
    ),
    (
        "The token of $user is blocked: otpostctl token enable ID",
        "s-explain-blocked",
    ),
    (
        "A text would go beyond a budget ($code); there is room in $wait s.",
        "s-explain-budget",
    ),
    (
        "The sending gate refuses the number ($code); see otpostctl sms limits.",
        "s-explain-gate",
    ),
    (
        "Three logins of $user wait for a code already; they end by themselves.",
        "s-explain-open",
    ),
    (
        "The resource exempts $user: no code is asked for (exempt-user).",
        "s-explain-exempt-user",
    ),
    (
        "The resource exempts a group of $user: no code is asked for (exempt-group).",
        "s-explain-exempt-group",
    ),
    (
        "The resource exempts the network: no code is asked for (exempt-network).",
        "s-explain-exempt-network",
    ),
    (
        "A code given from there still holds; end it: otpostctl user forget $user",
        "s-explain-remembered",
    ),
    (
        "A rule of the resource cannot be evaluated, and doubt denies: see its time zone and groups.",
        "s-explain-doubt",
    ),
    (
        "The resource lets nobody in at this hour; see its hours.",
        "s-explain-hours",
    ),
    (
        "The resource lets nobody in from there; see its allowed networks, and whether the client is trusted to say the address: otpostctl radius client set NAME --source ATTRIBUTE",
        "s-explain-networks",
    ),
    ("The login ends with $code.", "s-explain-ends"),
];
