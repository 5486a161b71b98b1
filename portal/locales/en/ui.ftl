# Words of the pieces that pages are made of.
error-summary = There is a problem
password-show = Show
password-hide = Hide
possible-in = Possible in
progress = Progress
done = done
ending-in = ending in
copy = Copy
copied = Copied
pages = Pages
page-first = First
page-back = Previous
page-next = Next
page-last = Last
page-number = Page { $page }
page-of = Page { $page } of { $pages }
page-rows = Rows
page-show = Show
agent = { $browser } on { $system }
moment-day = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }
moment-time = { moment-day }, { $time } UTC
