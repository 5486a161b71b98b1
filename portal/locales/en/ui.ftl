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
page-back = Back
page-next = Next
