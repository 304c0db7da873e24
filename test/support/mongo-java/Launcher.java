import de.bwaldvogel.mongo.MongoServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.h2.mvstore.MVStore;

/**
 * A MongoDB for tests where there is no mongod. Arguments: the file that holds the data, and the port (0 for any).
 * Prints `listens on <port>` and ends with its standard input, so that it never outlives who started it.
 */
public final class Launcher {
  private Launcher() {}

  public static void main(String[] args) throws IOException {
    // The store's own commits are made in the background: one of ours could find nothing left to do and return
    // while the bytes are still under way.
    MVStore store = new MVStore.Builder().fileName(args[0]).autoCommitDisabled().open();
    MongoServer server = new MongoServer(new DurableBackend(store));
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(args[1])));
    System.out.println("listens on " + server.getLocalAddress().getPort());
    while (System.in.read() >= 0) {
      // Nothing is said to it.
    }
    server.shutdownNow();
    System.exit(0);
  }
}
