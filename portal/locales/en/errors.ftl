# Pages that say why there is no page, and what to do.
bad-title = We could not read that
bad-text = Go back, check what you entered, and try again.
stale-title = This form is out of date
stale-text = You signed in again, or signed out, after the page was opened. Go back, reload the page and send the form once more. Nothing was changed.
forbidden-title = You cannot open this
forbidden-text = Your account does not have permission for it. If you need it, ask your administrator.
other-site-text = The request came from another web site, so we did not carry it out. Open the page here and try again.
plain-title = This page needs a secure connection
plain-text = Open it with https:// at the beginning of the address.
missing-title = There is nothing here
missing-text = The page may have moved, or the address has a typing mistake. Check the address, or ask whoever gave it to you.
method-title = This page cannot be used that way
method-text = Open the page again from its start.
conflict-title = This step is not open
conflict-text = You may have finished it in another tab or window. Start again from your account page.
large-title = That is too much at once
large-text = Send a smaller file or less text.
busy-title = Too many requests
busy-text = { $seconds ->
    [0] Wait a moment, then try again.
    [one] Wait one second, then try again.
   *[other] Wait { $seconds } seconds, then try again.
}
busy-long = Wait { $minutes } minutes, then try again.
fault-title = Something went wrong here
fault-text = It is not your mistake. Try again. If it happens once more, tell your administrator the reference below.
away-title = We cannot answer at the moment
away-text = { $seconds ->
    [0] Try again in a few seconds.
    [one] Try again in one second.
   *[other] Try again in { $seconds } seconds.
} If it goes on, tell your administrator the reference below.
to-start = To the first page
try-again = Try again
reference = Reference
