import link
