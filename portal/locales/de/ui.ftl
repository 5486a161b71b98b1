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
page-back = Zurück
page-next = Weiter
