# A replica of the service, for a Hub that runs elsewhere. At the top of this repository:
#   pip wheel --no-deps --wheel-dir dist .
#   docker build --file docs/hub/service.Dockerfile --tag IMAGE dist
# Its variables are in production.md, under "The environment of a replica".
FROM python:3.13-slim
COPY jupyter_auth_session-*.whl /tmp/
RUN pip install --no-cache-dir "$(ls /tmp/jupyter_auth_session-*.whl)[hub]" \
 && rm /tmp/jupyter_auth_session-*.whl
USER 1000
EXPOSE 10201
ENTRYPOINT ["python", "-m", "jupyter_auth.server.hub"]
