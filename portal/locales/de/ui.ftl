# Wörter der Teile, aus denen Seiten bestehen.
error-summary = Es gibt ein Problem
password-show = Anzeigen
password-hide = Verbergen
possible-in = Möglich in
progress = Fortschritt
done = erledigt
ending-in = mit der Endung
copy = Kopieren
copied = Kopiert
pages = Seiten
page-first = Erste
page-back = Vorige
page-next = Nächste
page-last = Letzte
page-number = Seite { $page }
page-of = Seite { $page } von { $pages }
page-rows = Zeilen
page-show = Anzeigen
agent = { $browser } unter { $system }
moment-day = { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
} { $year }
moment-time = { moment-day }, { $time } Uhr UTC
