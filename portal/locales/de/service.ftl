# Was der Dienst sagt, in den Worten der Konsole.
# People
s-no-user = Es gibt keinen Benutzer { $user }. Prüfen Sie die Schreibweise.
s-password = Ein Passwort hat 6 bis 128 Zeichen. Dieses hat { $count }.
s-busy = Gerade werden zu viele Passwörter geprüft. Versuchen Sie es gleich noch einmal.
s-aliases = Ein Benutzer hat höchstens { $most } weitere Namen. Das sind { $count }.
s-alias-login = { $alias } ist der Anmeldename selbst. Nehmen Sie ihn heraus.
s-login-empty = Wählen Sie einen Anmeldenamen.
s-login-long = Ein Anmeldename hat höchstens 64 Zeichen.
s-login-characters = Ein Anmeldename hat keine Leerzeichen und keines von / : * ? " < > | & ^ `
s-person-name = Ein Vor- oder Nachname hat höchstens 100 Zeichen.
s-email = Geben Sie eine E-Mail-Adresse ein, wie name@example.com.
s-email-missing = Geben Sie eine E-Mail-Adresse ein.
s-email-long = Eine E-Mail-Adresse hat höchstens 254 Zeichen, davon 64 vor dem @.
s-email-local = Was vor dem @ steht, kann nicht sein. Prüfen Sie die Adresse.
s-email-domain = Was hinter dem @ steht, kann nicht sein. Prüfen Sie die Adresse.
s-taken-login = Ein anderer Benutzer hat diesen Anmeldenamen schon.
s-taken-alias = Ein anderer Benutzer hat einen dieser weiteren Namen schon.
s-taken-email = Ein anderer Benutzer hat diese E-Mail-Adresse schon.
s-taken-name = Diesen Namen gibt es schon. Wählen Sie einen anderen.
s-taken-service = Eine andere Ressource hat einen dieser PAM-Dienste schon.
s-taken = Das ist schon vergeben. Wählen Sie etwas anderes.
s-in-use-client = Der RADIUS-Client { $name } benutzt sie noch. Entfernen oder ändern Sie ihn zuerst.
s-in-use = { $by } benutzt es noch.
s-bypass = Eine Ausnahme dauert höchstens 72 Stunden.
s-not-bound = { $user } gehört nicht zu { $resource }. Fügen Sie den Benutzer zuerst hinzu.
s-bound-nowhere = { $user } gehört zu keiner Ressource. Fügen Sie den Benutzer zuerst zu einer hinzu.
s-locked-or-off = { $user } ist gesperrt, oder { $resource } ist aus. Ändern Sie das zuerst.
s-no-more = Der Benutzer ist gesperrt oder gehört nicht mehr zur Ressource, oder die Ressource ist aus.
s-locked = { $user } ist gesperrt. Entsperren Sie zuerst.
s-has-token = { $user } hat in { $resource } schon einen Token. Entfernen Sie ihn zuerst.
s-has-kind = Der Benutzer hat dort schon einen Token dieser Art. Entfernen Sie ihn zuerst.
s-no-enrolment = Diese Einrichtung ist zu Ende. Fangen Sie noch einmal an.
s-portal-off = Das Portal von { $resource } ist aus. Geben Sie ihm zuerst eine Self-Service-Adresse.
s-no-portal = Die Adresse des Portals steht noch nicht fest. Ein Eigentümer legt sie in den Einstellungen fest.
s-groups = Ein Benutzer ist in höchstens { $most } Gruppen. Das sind { $count }.
s-remembered = Dort ist kein Code von { $user } mehr gemerkt.
s-again = Das hat nicht geklappt. Versuchen Sie es noch einmal.
s-later = Das geht gerade nicht. Versuchen Sie es später noch einmal.

# Numbers and tokens
s-phone-characters = Eine Telefonnummer hat nur Ziffern, Leerzeichen und Striche, mit + und der Ländervorwahl davor.
s-phone-country = Schreiben Sie die Nummer mit + und der Ländervorwahl, wie +49 171 2345678.
s-phone = Das ist keine gültige Telefonnummer. Prüfen Sie die Ziffern.
s-phone-same = Die Codes gehen schon an diese Nummer.
s-phone-taken = Diese Nummer hat schon ein anderer Token. Die Ressource kann das erlauben: Mehrere Benutzer dürfen eine Nummer teilen.
s-country = SMS nach { $region } sind nicht erlaubt. Ein Administrator erlaubt das Land in den SMS-Einstellungen.
s-no-mobile = Das ist keine Mobilfunknummer, sie empfängt keine SMS.
s-no-token = Diesen Token gibt es nicht mehr.
s-token-state = Wählen Sie, ob der Token aktiv, abgeschaltet oder gesperrt ist.
s-token-long = Ein Tokenname hat höchstens 50 Zeichen.
s-token-characters = Ein Tokenname hat keines von < > ? / %
s-digits = Ein Code hat 6, 7 oder 8 Ziffern.

# Resources
s-no-resource = Es gibt keine Ressource { $name }. Legen Sie sie zuerst an.
s-resource-name = Ein Ressourcenname hat 1 bis 64 Zeichen.
s-failed-attempts = Wählen Sie 3 bis 10 Fehlversuche, nicht { $given }.
s-tries = Wählen Sie 1 bis 10 Versuche, nicht { $given }.
s-validity = Ein Code gilt 60 bis 600 Sekunden, nicht { $given }.
s-service = { $name } ist kein Name eines PAM-Dienstes. Nehmen Sie Buchstaben, Ziffern, - _ . oder * allein.
s-country-code = { $text } ist kein Land. Schreiben Sie seine zwei Buchstaben, etwa DE oder US.
s-otp-length = Wählen Sie 6 oder 8 Ziffern.
s-first-enrolment = Wählen Sie, was die erste Einrichtung braucht.
s-address = Eine Self-Service-Adresse hat 1 bis 64 Kleinbuchstaben, Ziffern und Bindestriche.
s-address-taken = Die Adresse { $address } gehört schon { $resource }. Wählen Sie eine andere.
s-title = Ein Titel hat höchstens 64 Zeichen.
s-hint = Diese Zeile hat höchstens 200 Zeichen.
s-accent = Eine Farbe ist # und sechs Ziffern oder Buchstaben a bis f, wie #1f6feb. Leer: die übliche.
s-days = Wählen Sie 0 (kein Ende) bis 3650 Tage, nicht { $given }.
s-zone = Das ist keine Zeitzone. Schreiben Sie eine wie Europe/Berlin, oder lassen Sie sie leer.
s-reply-for = { $text } beginnt weder mit „user NAME:“ noch mit „group NAME:“.
s-word = { $word } ist hier nicht bekannt.

# RADIUS clients
s-no-client = Es gibt keinen RADIUS-Client { $name }.
s-client-name = Ein Name hat 1 bis 64 Buchstaben, Ziffern, - _ . und keine Leerzeichen.
s-client-networks = Geben Sie mindestens eine Adresse oder ein Netz ein, aus dem die Pakete kommen.
s-network-everybody = { $network } sind alle. Geben Sie die eigenen Adressen des Geräts ein.
s-network = { $text } ist kein Netz. Schreiben Sie 192.0.2.0/24, 2001:db8::/32 oder eine einzelne Adresse.
s-networks = Ein RADIUS-Client hat höchstens { $most } Netze. Das sind { $count }.
s-network-taken = { $network } gehört schon zu { $client }.
s-flow-code-only = Wo nur der Code kommt, prüft ein anderes System das Passwort: wählen Sie, dass es das Gerät tut.
s-client-open = Wo das Gerät Passwörter selbst prüft, muss es Message-Authenticator mitschicken.
s-secret-short = Das gemeinsame Geheimnis hat { $count } Zeichen. Nehmen Sie mindestens 16, oder lassen Sie es leer.
s-secret-long = Ein gemeinsames Geheimnis hat höchstens { $most } Oktette. Dieses hat { $count }.
s-prompt = Eine Aufforderung hat höchstens 20 bis 253 Oktette, nicht { $given }.
s-separator = Das Trennzeichen ist ein Zeichen, das weder Buchstabe noch Ziffer ist, etwa ein Komma.

# Providers and texts
s-no-source = Es gibt kein Verzeichnis und keinen Server { $name }, der Passwörter prüft.
s-source-kind = { $name } gibt es nicht. Schreiben Sie { $shown }.
s-source-most = Es gibt schon { $most } Verzeichnisse und Server. Entfernen Sie eines, das nicht benutzt wird.
s-source-used = Der RADIUS-Client { $client } benutzt es. Lassen Sie dessen Passwörter zuerst anderswo prüfen.
s-source-name = Ein Name hat 1 bis 64 Buchstaben, Ziffern, - _ . und keine Leerzeichen.
s-no-provider = Es gibt keinen Anbieter { $name }.
s-provider-name = Ein Anbietername hat 1 bis 64 Buchstaben, Ziffern, - _ .
s-sender = Ein Absender hat bis zu 11 einfache Buchstaben und Ziffern, oder 3 bis 15 Ziffern, auch mit +.
s-config-placeholder = { $key }: Der Platzhalter { $name } ist nicht bekannt. Bekannt sind { $known }.
s-config-unused = { $placeholder } kommt nirgends vor, jede SMS wäre gleich. Setzen Sie es in url, query, headers oder body ein.
s-config-brace = { $key }: Eine Klammer steht allein. Schreiben Sie sie doppelt, wo sie selbst gemeint ist.
s-config-secret = { $key }: Es gibt kein Geheimnis { $name }. Tragen Sie es unter secrets ein. Bekannt sind: { $known }
s-config-literal = { $key }: Tragen Sie den Wert unter secrets ein und nennen Sie ihn hier, damit er nie gezeigt wird.
s-config-plain = url: http:// schickt Codes und Zugangsdaten lesbar über das Netz. Nehmen Sie https://, oder setzen Sie plain-http auf true, wenn der Weg zu { $host } geschützt ist.
s-config-success = success: Ein Status allein sagt nicht, dass die SMS angenommen wurde. Ergänzen Sie json-pointer oder regex für den Inhalt der Antwort.
s-config-file = Eine Datei ist nur für Versuche: dieses otpost läuft im Betrieb. Wählen Sie ein HTTP-Gateway.
s-stopping = otpost wird gerade beendet. Versuchen Sie es gleich noch einmal.
s-test-gone = Die Test-SMS ist nicht mehr da. Senden Sie noch eine.
s-paused = Der Versand ruht. Schalten Sie das in den SMS-Einstellungen aus.
s-budget = Es gingen so viele SMS hinaus, dass das Kontingent verbraucht ist. Versuchen Sie es in { $seconds } s noch einmal.

# Mail, portal and console
s-mail-host = Geben Sie zuerst den Mailserver ein, wie mail.example.com.
s-mail-server = Der Mailserver ist ein Rechnername oder eine Adresse, wie mail.example.com, ohne Port.
s-mail-from = Geben Sie den Absender der Mails ein, wie otpost <otpost@example.com>.
s-mail-plain = Ohne Schutz geht Mail nur an diesen Rechner. Wählen Sie STARTTLS oder TLS.
s-mail-user = Der Benutzer beim Mailserver hat 1 bis 256 Zeichen.
s-mail-ca = Fügen Sie das Zertifikat als PEM ein, mit den Zeilen BEGIN und END, höchstens 64 kB.
s-mail-security = Wählen Sie, wie Mail geschützt wird.
s-mail-off = Mail ist aus. Geben Sie zuerst den Mailserver ein.
s-mail-test = Die Testmail ging nicht hinaus. Der Server sagt: { $why }
s-url-scheme = Die Adresse beginnt mit https://. http:// ist nur für diesen Rechner.
s-url-host = Die Adresse braucht einen Rechnernamen, wie https://login.example.com.
s-url-port = Der Port der Adresse ist eine Zahl von 1 bis 65535.
s-url-rest = Die Adresse endet mit dem Rechnernamen oder Port. Nehmen Sie weg, was dahinter steht.

# Administrators and keys
s-denied-role = Das braucht die Rolle { $role }. Fragen Sie einen Eigentümer.
s-denied-scope = Das gibt es nicht, oder es gehört nicht zu den Ressourcen, die Sie verwalten.
s-denied-further = Dieser Benutzer gehört auch zu anderen Ressourcen, und das würde auch dort gelten.
s-denied-system = Das betrifft alle Ressourcen, und Sie verwalten einige. Fragen Sie, wer alle verwaltet.
s-no-administrator = Es gibt keinen Administrator { $login }.
s-administrator-taken = Es gibt schon einen Administrator { $login }.
s-owner-scope = Ein Eigentümer ist nicht auf Ressourcen beschränkt. Kreuzen Sie keine an, oder wählen Sie eine andere Rolle.
s-scope-many = Höchstens { $most } Ressourcen können genannt werden. Keine angekreuzt heißt alle.
s-shown-name = Ein Name hat höchstens { $most } Zeichen.
s-last-owner = Das ist der letzte Eigentümer. Machen Sie zuerst jemand anderen zum Eigentümer.
s-administrators-many = Es gibt schon { $most } Administratoren.
s-first-owner = Der erste Administrator ist ein Eigentümer.
s-administrator-locked = { $login } ist ausgesperrt. Heben Sie das zuerst auf.
s-role = Wählen Sie eine Rolle.
s-key-name = Der Name eines Schlüssels hat 1 bis 64 Buchstaben, Ziffern, - _ .
s-key-days = Ein Schlüssel gilt 1 bis { $most } Tage, nicht { $days }. Leer: ohne Ende.
s-keys-many = Es gibt schon { $most } Schlüssel. Entfernen Sie die, die niemand braucht.
s-key-taken = Es gibt schon einen Schlüssel { $name }.
s-no-key = Es gibt keinen Schlüssel { $name }.
s-setup-old = Diese Seite ist veraltet. Laden Sie sie neu und scannen Sie den Code noch einmal.
s-own-password = Wählen Sie { $least } bis { $most } Zeichen. Das sind { $count }.

# Files of users
s-import-gone = Diesen Import gibt es nicht mehr: er bleibt 15 Minuten. Wählen Sie die Datei noch einmal.
s-import-busy = { $most } Dateien werden gerade importiert. Warten Sie, bis eine fertig ist.
s-import-large = Eine Datei hat höchstens { $most } MiB. Teilen Sie sie.
s-import-long = Eine Datei hat höchstens { $most } Zeilen. Teilen Sie sie.
s-import-early = Die Datei wird noch gelesen. Warten Sie ein wenig.
s-import-begun = Dieser Import läuft oder lief schon. Wählen Sie die Datei noch einmal.
s-import-unread = Die Datei kann gerade nicht gelesen werden. Versuchen Sie es noch einmal.
s-import-table = Die Datei ist keine Tabelle: { $why }
s-import-empty = Die Datei ist leer. Ihre erste Zeile nennt die Spalten.
s-import-column = Die Spalte { $column } ist nicht bekannt.
s-import-twice = Die Spalte { $column } kommt zweimal vor. Behalten Sie eine.
s-import-login = Die erste Zeile nennt keine Spalte login.
s-import-bad = Fehlerhafte Zeilen: { $bad }. Bessern Sie sie aus, oder importieren Sie die anderen.
s-import-late = Seit der Prüfung sind Zeilen fehlerhaft geworden. Prüfen Sie noch einmal, oder importieren Sie die anderen.
s-import-nothing = Nichts wurde geschrieben: { $why }
s-import-part = Nicht alles wurde geschrieben: { $why } Wählen Sie die Datei noch einmal, um fortzufahren.
s-line-fields = { $has } Felder, aber die erste Zeile hat { $columns }. Setzen Sie Felder mit Kommas in Anführungszeichen.
s-line-token = Ein Token braucht eine Telefonnummer.
s-line-unbound = Der Benutzer gehört zu keiner Ressource. Füllen Sie resource aus.
s-line-alias = Das ist ein anderer Name von { $login }. Schreiben Sie { $again }.
s-line-differs = Zeile { $line } sagt über denselben Benutzer etwas anderes. Behalten Sie eine.
s-line-number = Zeile { $line } gibt demselben Benutzer eine andere Nummer für dieselbe Ressource. Behalten Sie eine.
s-line-twice = Zeile { $line } gibt es einem anderen Benutzer.
s-line-taken = Ein anderer Benutzer hat es schon.
s-line-has-token = Der Benutzer hat in { $resource } schon einen Token. Entfernen Sie ihn zuerst, oder lassen Sie phone leer.
s-line-new = neuer Benutzer
s-line-email = E-Mail { $email }
s-line-first = Vorname { $name }
s-line-last = Nachname { $name }
s-line-bound = gehört zu { $resource }
s-line-makes = SMS-Token { $number } für { $resources }, noch nicht bestätigt
s-line-extends = SMS-Token { $number } auch für { $resources }
s-line-names = SMS-Token { $number } mit Namen { $name }

# Why somebody is locked
s-locked-by = von einem Administrator: { $why }
s-locked-for = nach falschen Codes, noch { $seconds } Sekunden
s-locked-month = nach 50 falschen Codes in 30 Tagen, bis jemand entsperrt

# To mend, on the first page
s-mend-development = Das ist für Versuche eingerichtet: SMS können lesbar in einer Datei stehen.
s-mend-provider = Es gibt keinen SMS-Anbieter. Fügen Sie unter SMS-Anbieter einen hinzu.
s-mend-unusable = Ein SMS-Anbieter kann nicht benutzt werden. Das Protokoll von otpostd sagt, warum.
s-mend-countries = SMS dürfen in kein Land, also geht kein Code hinaus. Nennen Sie Länder in den SMS-Einstellungen.
s-mend-authenticator = Der RADIUS-Client { $client } darf Message-Authenticator weglassen (CVE-2024-3596). Lassen Sie das Gerät es mitschicken und verlangen Sie es dann.
s-mend-stack = Für den RADIUS-Client { $client } wird hier kein Passwort geprüft: das Gerät muss es tun.

# How a login would go
s-explain-challenge = Mit dem richtigen Passwort wird { $user } nach einem Code gefragt, der als SMS kommt.
s-explain-bypass = { $user } hat eine befristete Ausnahme. Sie lässt sich auf der Seite des Benutzers beenden.
s-explain-unenrolled-allowed = { $user } hat hier keinen Token, und die Ressource lässt solche Benutzer ohne Code ein.
s-explain-disabled-allowed = Der Token von { $user } ist abgeschaltet, und die Ressource lässt solche Benutzer ohne Code ein.
s-explain-no-resource = Keine Ressource schützt den PAM-Dienst { $service }. Nennen Sie ihn unter Richtlinien einer Ressource.
s-explain-off = Die Ressource ist aus. Schalten Sie sie unter Allgemein ein.
s-explain-no-user = Es gibt keinen Benutzer { $user }.
s-explain-not-bound = { $user } gehört nicht zur Ressource. Fügen Sie den Benutzer hinzu.
s-explain-no-password = { $user } hat hier kein Passwort. Setzen Sie eines auf der Seite des Benutzers.
s-explain-closed = Aus diesem Netz kamen zu viele falsche Passwörter. Es wird innerhalb von 15 Minuten wieder frei.
s-explain-admin-locked = Ein Administrator hat { $user } gesperrt. Entsperren Sie auf der Seite des Benutzers.
s-explain-locked = { $user } ist nach falschen Codes gesperrt. Warten Sie, oder entsperren Sie auf der Seite des Benutzers.
s-explain-unenrolled = { $user } hat keinen Token für die Ressource. Laden Sie den Benutzer ein, oder richten Sie das Telefon ein.
s-explain-disabled = Der Token von { $user } ist abgeschaltet. Er lässt sich wieder einschalten.
s-explain-blocked = Der Token von { $user } ist gesperrt. Er lässt sich wieder einschalten.
s-explain-budget = Eine SMS ginge über ein Kontingent hinaus ({ $code }). In { $wait } s ist wieder Platz.
s-explain-gate = Die Nummer bekommt keine SMS ({ $code }). Sehen Sie in die SMS-Einstellungen.
s-explain-open = Drei Anmeldungen von { $user } warten schon auf einen Code. Sie enden von selbst.
s-explain-exempt-user = Die Ressource nimmt { $user } aus: nach keinem Code wird gefragt.
s-explain-exempt-group = Die Ressource nimmt eine Gruppe von { $user } aus: nach keinem Code wird gefragt.
s-explain-exempt-network = Die Ressource nimmt das Netz aus: nach keinem Code wird gefragt.
s-explain-remembered = Ein Code, den { $user } von dort eingab, gilt noch. Das lässt sich auf der Seite des Benutzers beenden.
s-explain-doubt = Eine Regel der Ressource lässt sich nicht entscheiden, und im Zweifel wird abgelehnt. Sehen Sie nach Zeitzone und Gruppen.
s-explain-hours = Die Ressource lässt um diese Zeit niemanden ein.
s-explain-networks = Die Ressource lässt von dort niemanden ein. Sehen Sie nach den erlaubten Netzen, und ob dem RADIUS-Client die Adresse geglaubt wird.
s-explain-ends = Die Anmeldung endet mit { $code }.
