import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.h2.mvstore.MVStore;

/** What an acknowledged write wrote is in the file before the answer goes out, and survives a kill -9. */
final class DurableBackend extends H2Backend {
  /** All other commands count as writes; what has written nothing commits nothing. */
  private static final Set<String> READS =
      Set.of(
          "buildinfo", "count", "distinct", "endsessions", "find", "getmore", "hello", "ismaster", "killcursors",
          "listcollections", "listdatabases", "listindexes", "ping", "serverstatus");

  private final Object writing = new Object();

  DurableBackend(MVStore store) {
    super(store);
    version(new Version());
  }

  @Override
  public Document handleMessage(MongoMessage message) {
    String command = message.getDocument().keySet().iterator().next();
    if (READS.contains(command.toLowerCase(Locale.ROOT))) return super.handleMessage(message);
    // One at a time: a commit takes everything that is there, and half of another write must never be in it.
    synchronized (writing) {
      try {
        return super.handleMessage(message);
      } finally {
        // Also after an error: what came before it in the same command is written.
        commit();
      }
    }
  }

  /** Drivers refuse the wire version that this server tells by default: it would be older than 4.4. */
  private record Version() implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(5, 0, 0);
    }

    @Override
    public int getWireVersion() {
      return 13;
    }
  }
}
