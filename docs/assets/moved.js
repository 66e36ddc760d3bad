/* Leads from where a page was to where it is: to the same lines or section, unless the new
   address names one. */
const to = new URL(document.querySelector("main a").href)
to.search ||= location.search
to.hash ||= location.hash
location.replace(to)
