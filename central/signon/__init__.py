"""Single sign-on through an OpenID Connect provider: the government's accounts beside the local ones."""
