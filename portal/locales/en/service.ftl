# What the service says, in the words of the console.
# People
s-no-user = There is no user { $user }. Check the spelling.
s-password = A password has 6 to 128 characters. This one has { $count }.
s-busy = Too many passwords are being checked just now. Try again in a moment.
s-aliases = A user has at most { $most } further names. These are { $count }.
s-alias-login = { $alias } is the login itself. Take it out.
s-login-empty = Choose a login name.
s-login-long = A login name has at most 64 characters.
s-login-characters = A login name has no blanks, and none of / : * ? " < > | & ^ `
s-person-name = A first or last name has at most 100 characters.
s-email = Enter an e-mail address, like name@example.com.
s-email-missing = Enter an e-mail address.
s-email-long = An e-mail address has at most 254 characters, 64 of them before the @.
s-email-local = What is before the @ cannot be. Check the address.
s-email-domain = What is behind the @ cannot be. Check the address.
s-taken-login = Another user has this login already.
s-taken-alias = Another user has one of these further names already.
s-taken-email = Another user has this e-mail address already.
s-taken-name = This name is taken already. Choose another.
s-taken-service = Another resource has one of these PAM services already.
s-taken = This is taken already. Choose something else.
s-in-use-client = The RADIUS client { $name } still uses it. Remove or change that first.
s-in-use = { $by } still uses it.
s-bypass = A bypass lasts at most 72 hours.
s-not-bound = { $user } is not bound to { $resource }. Add the user to it first.
s-bound-nowhere = { $user } is bound to no resource. Add the user to one first.
s-locked-or-off = { $user } is locked, or { $resource } is off. Change that first.
s-no-more = The user is locked or not bound to the resource any more, or the resource is off.
s-locked = { $user } is locked. Unlock first.
s-has-token = { $user } has a token in { $resource } already. Remove it first.
s-has-kind = The user has a token of this kind there already. Remove it first.
s-no-enrolment = This enrolment has ended. Begin again.
s-portal-off = The portal of { $resource } is off. Give it a Self-Service Address first.
s-no-portal = The address of the portal is not set yet. An owner sets it under Settings.
s-groups = A user is in at most { $most } groups. These are { $count }.
s-remembered = No code of { $user } is remembered there any more.
s-again = That did not work. Try again.
s-later = That is not possible just now. Try again later.

# Numbers and tokens
s-phone-characters = A phone number has digits, blanks and dashes only, with + and the country code in front.
s-phone-country = Write the number with + and the country code, like +49 171 2345678.
s-phone = This is no valid phone number. Check the digits.
s-phone-same = The codes go to this number already.
s-phone-taken = This number is on another token already. The resource can allow that: Several users may share a number.
s-country = Texts to { $region } are not allowed. An administrator allows the country in the SMS settings.
s-no-mobile = This is no mobile number, so it takes no texts.
s-no-token = This token is gone.
s-token-state = Choose whether the token is active, disabled or blocked.
s-token-long = A token name has at most 50 characters.
s-token-characters = A token name has none of < > ? / %
s-digits = A code has 6, 7 or 8 digits.

# Resources
s-no-resource = There is no resource { $name }. Add it first.
s-resource-name = A resource name has 1 to 64 characters.
s-failed-attempts = Choose 3 to 10 failed attempts, not { $given }.
s-tries = Choose 1 to 10 tries, not { $given }.
s-validity = A code is valid for 60 to 600 seconds, not { $given }.
s-service = { $name } is no name of a PAM service. Use letters, digits, - _ . or * alone.
s-country-code = { $text } is no country. Write its two letters, such as DE or US.
s-otp-length = Choose 6 or 8 digits.
s-first-enrolment = Choose what the first enrolment needs.
s-address = A Self-Service Address has 1 to 64 small letters, digits and hyphens.
s-address-taken = The address { $address } belongs to { $resource } already. Choose another.
s-title = A title has at most 64 characters.
s-hint = This line has at most 200 characters.
s-accent = A colour is # and six digits or letters a to f, like #1f6feb. Leave it empty for the usual one.
s-days = Choose 0 (no end) to 3650 days, not { $given }.
s-zone = This is no time zone. Write one such as Europe/Berlin, or leave it empty.
s-reply-for = { $text } begins with neither “user NAME:” nor “group NAME:”.
s-word = { $word } is not known here.

# RADIUS clients
s-no-client = There is no RADIUS client { $name }.
s-client-name = A name has 1 to 64 letters, digits, - _ . and no blanks.
s-client-networks = Enter at least one address or network that its packets come from.
s-network-everybody = { $network } is everybody. Enter the device’s own addresses.
s-network = { $text } is no network. Write 192.0.2.0/24, 2001:db8::/32 or a single address.
s-networks = A RADIUS client has at most { $most } networks. These are { $count }.
s-network-taken = { $network } belongs to { $client } already.
s-flow-code-only = Where only the code is sent, another system checks the password: choose that the device does.
s-client-open = Where the device checks passwords itself, it must send Message-Authenticator.
s-secret-short = The shared secret has { $count } characters. Use at least 16, or leave it empty.
s-secret-long = A shared secret has at most { $most } octets. This one has { $count }.
s-prompt = A prompt has at most 20 to 253 octets, not { $given }.
s-separator = The separator is one character that is no letter and no digit, such as a comma.

# Providers and texts
s-no-source = There is no directory or server { $name } that checks passwords.
s-source-kind = There is no { $name }. Write { $shown }.
s-source-most = There are { $most } directories and servers already. Remove one that is not used.
s-source-used = The RADIUS client { $client } uses it. Let another check its passwords first.
s-source-name = A name has 1 to 64 letters, digits, - _ . and no spaces.
s-no-provider = There is no provider { $name }.
s-provider-name = A provider name has 1 to 64 letters, digits, - _ .
s-sender = A sender has up to 11 plain letters and digits, or 3 to 15 digits with an optional +.
s-config-placeholder = { $key }: the placeholder { $name } is not known. Known are { $known }.
s-config-unused = { $placeholder } is used nowhere, so every text would be the same. Put it into url, query, headers or body.
s-config-brace = { $key }: a brace stands alone. Write it twice where it is meant as itself.
s-config-secret = { $key }: there is no secret { $name }. Add it under secrets. Known are: { $known }
s-config-literal = { $key }: put the value under secrets and name it here, so that it is never shown.
s-config-plain = url: http:// sends codes and credentials readable over the network. Use https://, or set plain-http to true if the way to { $host } is protected.
s-config-success = success: a status alone does not tell that the text was taken. Add json-pointer or regex for the answer’s body.
s-config-file = A file is for trials only: this otpost runs in production. Choose an HTTP gateway.
s-stopping = otpost is stopping. Try again in a moment.
s-test-gone = The test text is not there any more. Send another.
s-paused = Texts are paused. Switch that off in the SMS settings.
s-budget = So many texts were sent that the budget is used. Try again in { $seconds } s.

# Mail, portal and console
s-mail-host = Enter the mail server first, like mail.example.com.
s-mail-server = The mail server is a host name or an address, like mail.example.com, without a port.
s-mail-from = Enter the sender of mails, like otpost <otpost@example.com>.
s-mail-plain = Without protection, mail goes to this host only. Choose STARTTLS or TLS.
s-mail-user = The user at the mail server has 1 to 256 characters.
s-mail-ca = Paste the certificate as PEM, with its BEGIN and END lines, at most 64 kB.
s-mail-security = Choose how mail is protected.
s-mail-off = Mail is off. Enter the mail server first.
s-mail-test = The test mail did not leave. The server says: { $why }
s-url-scheme = The address begins with https://. http:// is for this machine alone.
s-url-host = The address needs a host name, like https://login.example.com.
s-url-port = The port of the address is a number from 1 to 65535.
s-url-rest = The address ends with the host name or port. Take away what is behind it.

# Administrators and keys
s-denied-role = This needs the role { $role }. Ask an owner.
s-denied-scope = That is not there, or not among the resources that you administer.
s-denied-further = This user belongs to other resources too, and this would hold there as well.
s-denied-system = This concerns all resources, and you administer some. Ask an administrator of all.
s-no-administrator = There is no administrator { $login }.
s-administrator-taken = There is an administrator { $login } already.
s-owner-scope = An owner is not limited to resources. Tick none, or choose another role.
s-scope-many = At most { $most } resources can be named. Tick none for all.
s-shown-name = A name has at most { $most } characters.
s-last-owner = This is the last owner. Make another administrator an owner first.
s-administrators-many = There are { $most } administrators already.
s-first-owner = The first administrator is an owner.
s-administrator-locked = { $login } is locked out. Lift that first.
s-role = Choose a role.
s-key-name = A key’s name has 1 to 64 letters, digits, - _ .
s-key-days = A key lasts 1 to { $most } days, not { $days }. Leave it empty for no end.
s-keys-many = There are { $most } keys already. Remove those that are not used.
s-key-taken = There is a key { $name } already.
s-no-key = There is no key { $name }.
s-setup-old = This page is out of date. Load it again and scan the code again.
s-own-password = Choose { $least } to { $most } characters. This has { $count }.

# Files of users
s-import-gone = This import is gone: it is kept for 15 minutes. Choose the file again.
s-import-busy = { $most } files are being imported. Wait until one is done.
s-import-large = A file has at most { $most } MiB. Split it.
s-import-long = A file has at most { $most } lines. Split it.
s-import-early = The file is still being read. Wait a little.
s-import-begun = This import was begun already. Choose the file again.
s-import-unread = The file cannot be read just now. Try again.
s-import-table = The file is no table: { $why }
s-import-empty = The file is empty. Its first line names the columns.
s-import-column = The column { $column } is not known.
s-import-twice = The column { $column } is there twice. Keep one.
s-import-login = The first line names no column login.
s-import-bad = Bad lines: { $bad }. Mend them, or import the others.
s-import-late = Lines became bad since the file was checked. Check it again, or import the others.
s-import-nothing = Nothing was written: { $why }
s-import-part = Not all was written: { $why } Choose the file again to go on.
s-line-fields = { $has } fields, but the first line has { $columns }. Put fields with commas in quotes.
s-line-token = A token needs a phone number.
s-line-unbound = The user is bound to no resource. Fill in resource.
s-line-alias = This is another name of { $login }. Write { $again }.
s-line-differs = Line { $line } says otherwise about the same user. Keep one.
s-line-number = Line { $line } gives the same user another number for the same resource. Keep one.
s-line-twice = Line { $line } gives it to another user.
s-line-taken = Another user has it already.
s-line-has-token = The user has a token in { $resource } already. Remove it first, or leave phone empty.
s-line-new = new user
s-line-email = e-mail { $email }
s-line-first = first name { $name }
s-line-last = last name { $name }
s-line-bound = bound to { $resource }
s-line-makes = SMS token { $number } for { $resources }, not confirmed yet
s-line-extends = SMS token { $number } also for { $resources }
s-line-names = SMS token { $number } named { $name }

# Why somebody is locked
s-locked-by = by an administrator: { $why }
s-locked-for = after wrong codes, for { $seconds } more seconds
s-locked-month = after 50 wrong codes in 30 days, until unlocked

# To mend, on the first page
s-mend-development = This is set up for trials: texts may be kept readable in a file.
s-mend-provider = There is no SMS provider. Add one under SMS providers.
s-mend-unusable = An SMS provider cannot be used. The log of otpostd says why.
s-mend-countries = Texts may go to no country, so no code leaves. Name countries in the SMS settings.
s-mend-authenticator = The RADIUS client { $client } may leave out Message-Authenticator (CVE-2024-3596). Make the device send it, then require it.
s-mend-stack = For the RADIUS client { $client } no password is checked here: the device must do it.

# How a login would go
s-explain-challenge = With the right password, { $user } is asked for a code sent by text.
s-explain-bypass = { $user } has a timed bypass. It can be ended on the user’s page.
s-explain-unenrolled-allowed = { $user } has no token here, and the resource lets such users in without a code.
s-explain-disabled-allowed = The token of { $user } is disabled, and the resource lets such users in without a code.
s-explain-no-resource = No resource guards the PAM service { $service }. Name it under Policies of one.
s-explain-off = The resource is off. Switch it on under General.
s-explain-no-user = There is no user { $user }.
s-explain-not-bound = { $user } is not bound to the resource. Add the user to it.
s-explain-no-password = { $user } has no password here. Set one on the user’s page.
s-explain-closed = Too many wrong passwords came from this network. It opens again within 15 minutes.
s-explain-admin-locked = An administrator locked { $user }. Unlock on the user’s page.
s-explain-locked = { $user } is locked after wrong codes. Wait, or unlock on the user’s page.
s-explain-unenrolled = { $user } has no token for the resource. Invite the user, or enrol the phone.
s-explain-disabled = The token of { $user } is disabled. It can be switched on again.
s-explain-blocked = The token of { $user } is blocked. It can be switched on again.
s-explain-budget = A text would go beyond a budget ({ $code }). There is room in { $wait } s.
s-explain-gate = The number gets no texts ({ $code }). Look at the SMS settings.
s-explain-open = Three logins of { $user } wait for a code already. They end by themselves.
s-explain-exempt-user = The resource exempts { $user }: no code is asked for.
s-explain-exempt-group = The resource exempts a group of { $user }: no code is asked for.
s-explain-exempt-network = The resource exempts the network: no code is asked for.
s-explain-remembered = A code that { $user } gave from there still holds. It can be ended on the user’s page.
s-explain-doubt = A rule of the resource cannot be decided, and doubt denies. Look at its time zone and groups.
s-explain-hours = The resource lets nobody in at this hour.
s-explain-networks = The resource lets nobody in from there. Look at its allowed networks, and whether the RADIUS client is trusted to say the address.
s-explain-ends = The login ends with { $code }.
