# Seiten, die sagen, warum keine da ist und was zu tun ist.
bad-title = Das konnten wir nicht lesen
bad-text = Gehen Sie zurück, prüfen Sie Ihre Eingaben und versuchen Sie es noch einmal.
stale-title = Dieses Formular ist veraltet
stale-text = Sie haben sich neu angemeldet oder abgemeldet, nachdem die Seite geöffnet wurde. Gehen Sie zurück, laden Sie die Seite neu und senden Sie das Formular noch einmal. Es wurde nichts geändert.
forbidden-title = Das können Sie nicht öffnen
forbidden-text = Ihr Konto hat dafür keine Berechtigung. Wenn Sie sie brauchen, fragen Sie Ihre Administration.
other-site-text = Die Anfrage kam von einer anderen Website, darum haben wir sie nicht ausgeführt. Öffnen Sie die Seite hier und versuchen Sie es noch einmal.
plain-title = Diese Seite braucht eine sichere Verbindung
plain-text = Öffnen Sie sie mit https:// am Anfang der Adresse.
missing-title = Hier ist nichts
missing-text = Vielleicht ist die Seite umgezogen, oder in der Adresse ist ein Tippfehler. Prüfen Sie die Adresse, oder fragen Sie, wer sie Ihnen gegeben hat.
method-title = So lässt sich die Seite nicht benutzen
method-text = Öffnen Sie die Seite noch einmal von vorn.
conflict-title = Dieser Schritt ist nicht offen
conflict-text = Vielleicht haben Sie ihn in einem anderen Fenster schon beendet. Beginnen Sie noch einmal auf Ihrer Kontoseite.
large-title = Das ist zu viel auf einmal
large-text = Senden Sie eine kleinere Datei oder weniger Text.
busy-title = Zu viele Anfragen
busy-text = { $seconds ->
    [0] Warten Sie einen Moment und versuchen Sie es dann noch einmal.
    [one] Warten Sie eine Sekunde und versuchen Sie es dann noch einmal.
   *[other] Warten Sie { $seconds } Sekunden und versuchen Sie es dann noch einmal.
}
busy-long = Warten Sie { $minutes } Minuten und versuchen Sie es dann noch einmal.
fault-title = Hier ist etwas schiefgegangen
fault-text = Es liegt nicht an Ihnen. Versuchen Sie es noch einmal. Geschieht es wieder, nennen Sie Ihrer Administration das Kennzeichen unten.
away-title = Wir können gerade nicht antworten
away-text = { $seconds ->
    [0] Versuchen Sie es in ein paar Sekunden noch einmal.
    [one] Versuchen Sie es in einer Sekunde noch einmal.
   *[other] Versuchen Sie es in { $seconds } Sekunden noch einmal.
} Dauert es an, nennen Sie Ihrer Administration das Kennzeichen unten.
to-start = Zur Startseite
try-again = Noch einmal versuchen
reference = Kennzeichen
